using System.Diagnostics;
using System.Globalization;

namespace Kiro.Tests.Support;

/// <summary>
/// A node on Python's http.server: one request at a time, or a small thread pool with one thread per
/// connection. <c>/slow</c> takes a while; any other path returns how often it ran.
/// </summary>
internal sealed class PythonNode : IAsyncDisposable
{
    private const string Program =
        """
        import sys, time, concurrent.futures
        from http.server import BaseHTTPRequestHandler, HTTPServer
        threads, seconds = int(sys.argv[1]), float(sys.argv[2])
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
            def handle_error(self, request, address):
                pass
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
        server = Server(('127.0.0.1', 0), Handler)
        print(server.server_port, flush=True)
        server.serve_forever()
        """;

    private readonly Process _process;
    private readonly Lazy<int> _port;

    /// <param name="threads">The size of the pool; 0 serves one request at a time and closes each connection.</param>
    /// <param name="seconds">How long <c>/slow</c> takes.</param>
    public PythonNode(int threads = 0, double seconds = 1)
    {
        _process = Process.Start(new ProcessStartInfo("python3")
        {
            ArgumentList = { "-c", Program, threads.ToString(CultureInfo.InvariantCulture), seconds.ToString(CultureInfo.InvariantCulture) },
            RedirectStandardOutput = true,
        })!;
        _port = new Lazy<int>(() => int.Parse(_process.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture));
    }

    /// <summary>Chosen by the operating system: a free port picked beforehand could be taken before the node listens on it.</summary>
    public int Port => _port.Value;

    public string Host => $"127.0.0.1:{Port}";

    public void Signal(string name) => ServiceProcess.Signal(_process.Id, name);

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
