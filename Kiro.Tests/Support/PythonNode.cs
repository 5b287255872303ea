using System.Diagnostics;
using System.Globalization;

namespace Kiro.Tests.Support;

/// <summary>
/// A node as Python's standard library serves it: one request at a time, or a thread from a small pool for as long as a
/// connection lasts. <c>/slow</c> takes its time, <c>/runs</c> tells how often that ran.
/// </summary>
internal sealed class PythonNode : IAsyncDisposable
{
    private const string Program =
        """
        import sys, time, concurrent.futures
        from http.server import BaseHTTPRequestHandler, HTTPServer
        port, threads, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
        runs = 0
        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1' if threads else 'HTTP/1.0'
            def do_GET(self):
                global runs
                if self.path == '/slow':
                    runs += 1
                    time.sleep(seconds)
                body = str(runs).encode()
                self.send_response(200)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *args):
                pass
        class Server(HTTPServer):
            request_queue_size = 128
            def process_request(self, request, address):
                if threads:
                    pool.submit(self.serve, request, address)
                else:
                    super().process_request(request, address)
            def serve(self, request, address):
                try:
                    self.finish_request(request, address)
                except Exception:
                    pass
                finally:
                    self.shutdown_request(request)
        pool = concurrent.futures.ThreadPoolExecutor(threads) if threads else None
        Server(('127.0.0.1', port), Handler).serve_forever()
        """;

    private readonly Process _process;

    /// <param name="threads">0: one request at a time, each on a connection of its own.</param>
    /// <param name="seconds">What <c>/slow</c> takes.</param>
    public PythonNode(int threads = 0, double seconds = 1)
    {
        Port = FreePort.Next();
        _process = Process.Start(new ProcessStartInfo("python3")
        {
            ArgumentList =
            {
                "-c", Program, Port.ToString(CultureInfo.InvariantCulture), threads.ToString(CultureInfo.InvariantCulture),
                seconds.ToString(CultureInfo.InvariantCulture),
            },
            RedirectStandardError = true,
        })!;
    }

    public int Port { get; }

    public string Host => $"127.0.0.1:{Port}";

    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    public async Task<int> RunsAsync()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(1) };
        return int.Parse(await http.GetStringAsync(new Uri($"http://{Host}/runs")), CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
