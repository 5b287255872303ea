using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Kiro.SideBySide.Measuring;
using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Load;

/// <summary>nghttp2's load generator, for everything but plain HTTP/1.1. All its clients share one address, and so one node.</summary>
/// <param name="plan">The target and the window.</param>
/// <param name="scenario">The protocol, and the number of connections or streams.</param>
/// <param name="directory">The folder of its log.</param>
internal sealed class H2Load(LoadPlan plan, Scenario scenario, string directory)
{
    private const string GrpcPath = "/bench.Echo/Unary";

    private static readonly TimeSpan MaxStart = TimeSpan.FromSeconds(10);

    /// <param name="onWindow">Called when the window opens, and when it has closed.</param>
    /// <exception cref="InvalidOperationException">It is not installed, or fails.</exception>
    public LoadResult Run(Action onWindow)
    {
        var program = Programs.Find("h2load") ?? throw new InvalidOperationException("h2load is not installed: apt-get install nghttp2-client");
        var log = Path.Combine(directory, "requests.tsv");
        File.Delete(log);
        var start = new ProcessStartInfo(program, Arguments(log)) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var said = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        AwaitFirst(log, process);
        process.WaitForExit(plan.Settle);
        onWindow();
        var from = DateTime.UtcNow;
        process.WaitForExit(plan.Window);
        var until = DateTime.UtcNow;
        onWindow();
        if (process.HasExited)
        {
            throw new InvalidOperationException($"h2load exited unexpectedly: {errors.GetAwaiter().GetResult()}{said.GetAwaiter().GetResult()}");
        }

        process.Kill();
        process.WaitForExit();
        return Read(log, from, until);
    }

    // All handshakes are complete before the first request.
    private static void AwaitFirst(string log, Process process)
    {
        var started = Stopwatch.GetTimestamp();
        while (!(File.Exists(log) && new FileInfo(log).Length > 0)
            && Stopwatch.GetElapsedTime(started) < MaxStart && !process.WaitForExit(TimeSpan.FromMilliseconds(50)))
        {
        }
    }

    private string[] Arguments(string log)
    {
        string[] how = scenario.Kind switch
        {
            LoadKind.Tls => ["--h1", "-c", $"{scenario.Connections}"],
            LoadKind.Grpc => ["-c", "1", "-m", $"{scenario.Connections}", "-d", WriteMessage(), "-H", "content-type: application/grpc", "-H", "te: trailers"],
            _ => ["-c", "1", "-m", $"{scenario.Connections}"],
        };
        return [.. how, "-t", "1", "-D", "3600", "--log-file", log, $"https://{plan.Target}{(scenario.Kind == LoadKind.Grpc ? GrpcPath : scenario.Exchange.Path)}"];
    }

    private string WriteMessage()
    {
        var file = Path.Combine(directory, "message");
        File.WriteAllBytes(file, GrpcMessage.OfBytes(100));
        return file;
    }

    // Start in microseconds of Unix time, status, and microseconds to the end of the response.
    private static LoadResult Read(string log, DateTime from, DateTime until)
    {
        var (latencies, errors, responses) = (new LatencyHistogram(), default(LoadErrors), 0L);
        var (first, last) = (Microseconds(from), Microseconds(until));
        foreach (var line in File.ReadLines(log))
        {
            var fields = line.Split('\t');
            if (fields.Length < 3)
            {
                // The last line is incomplete because h2load was killed.
                break;
            }

            var (start, status, took) = (Number(fields[0]), Number(fields[1]), Number(fields[2]));
            if (start + took < first || start + took > last)
            {
                continue;
            }

            if (status != 200)
            {
                errors += new LoadErrors(1, 0, 0, 0);
                continue;
            }

            responses++;
            latencies.Record(took * 1000);
        }

        return new LoadResult(until - from, responses, latencies, errors, 0);
    }

    private static long Microseconds(DateTime time) => (time - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private static long Number(string text) => long.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
}

/// <summary>A gRPC message in a body: the uncompressed flag, its length, and its bytes.</summary>
internal static class GrpcMessage
{
    private const int HeadLength = 5;

    public static byte[] OfBytes(int length)
    {
        var message = new byte[HeadLength + length];
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), length);
        Array.Fill(message, (byte)'x', HeadLength, length);
        return message;
    }
}
