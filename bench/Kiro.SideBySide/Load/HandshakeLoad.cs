using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Kiro.SideBySide.Load;

/// <summary>Repeatedly connects, performs a TLS handshake and sends one request, on several connections concurrently.</summary>
/// <param name="plan">The load plan.</param>
/// <param name="resumes">Whether sessions are resumed.</param>
internal sealed class HandshakeLoad(LoadPlan plan, bool resumes)
{
    private readonly LatencyHistogram _latencies = new();
    private readonly Lock _counting = new();
    private LoadErrors _errors;
    private long _responses;
    private volatile bool _isCounting;
    private volatile bool _isOver;

    /// <param name="onWindow">Called when the window opens, and when it has closed.</param>
    public LoadResult Run(Action onWindow)
    {
        var clients = plan.Sources.Select(source => Task.Run(() => ConnectAgainAndAgainAsync(source))).ToArray();
        Task.WaitAll(clients, plan.Settle);
        onWindow();
        _isCounting = true;
        var start = Stopwatch.GetTimestamp();
        Task.WaitAll(clients, plan.Window);
        _isCounting = false;
        var window = Stopwatch.GetElapsedTime(start);
        onWindow();
        _isOver = true;
        Task.WaitAll(clients);
        return new LoadResult(window, _responses, _latencies, _errors, 0);
    }

    private async Task ConnectAgainAndAgainAsync(IPAddress source)
    {
        var buffer = new byte[16 * 1024];
        while (!_isOver)
        {
            var start = Stopwatch.GetTimestamp();
            var isRight = await TryAsync(source, buffer);
            lock (_counting)
            {
                if (!isRight)
                {
                    _errors += new LoadErrors(0, 0, 1, 0);
                }
                else if (_isCounting)
                {
                    _responses++;
                    _latencies.Record(Stopwatch.GetElapsedTime(start).Ticks * TimeSpan.NanosecondsPerTick);
                }
            }
        }
    }

    private async Task<bool> TryAsync(IPAddress source, byte[] buffer)
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Bind(new IPEndPoint(source, 0));
            await socket.ConnectAsync(plan.Target);
            await using var stream = new SslStream(new NetworkStream(socket));
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "bench.example",
                AllowTlsResume = resumes,
                EnabledSslProtocols = SslProtocols.Tls13,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            });
            await stream.WriteAsync(plan.Requests.Next());
            var length = 0;
            while (await stream.ReadAsync(buffer.AsMemory(length)) is > 0 and var count)
            {
                length += count;
            }

            return buffer.AsSpan(0, length).StartsWith("HTTP/1.1 200"u8);
        }
        catch (Exception lost) when (lost is IOException or SocketException or AuthenticationException)
        {
            return false;
        }
    }
}
