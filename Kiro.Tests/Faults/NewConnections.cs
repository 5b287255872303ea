using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Kiro.Tests.Faults;

/// <summary>Clients that open a connection for each request, alternating GET and POST, and record every failure. There are no
/// retries.</summary>
internal sealed class NewConnections : IAsyncDisposable
{
    private const string Body = "hello";

    private static readonly byte[] Post = Encoding.ASCII.GetBytes($"POST / HTTP/1.1\r\nHost: kiro.test\r\nConnection: close\r\nContent-Length: {Body.Length}\r\n\r\n{Body}");

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _failures = [];
    private readonly Task[] _workers;
    private readonly byte[] _get;
    private readonly bool _alsoPosts;
    private int _requests;

    /// <param name="port">The port to connect to.</param>
    /// <param name="workers">The number of concurrent clients.</param>
    /// <param name="isTls">Whether they use HTTPS.</param>
    /// <param name="pageOnly">A page of the balancer, requested by GET only; null for what the nodes serve.</param>
    public NewConnections(int port, int workers, bool isTls = false, string? pageOnly = null)
    {
        _get = Encoding.ASCII.GetBytes($"GET {pageOnly ?? "/"} HTTP/1.1\r\nHost: {(pageOnly is null ? "kiro.test" : "localhost")}\r\nConnection: close\r\n\r\n");
        _alsoPosts = pageOnly is null;
        _workers = [.. Enumerable.Range(0, workers).Select(worker => Task.Run(() => WorkAsync(port, worker, isTls)))];
    }

    public int Requests => Volatile.Read(ref _requests);

    public IReadOnlyCollection<string> Failures => _failures;

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_workers);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task WorkAsync(int port, int worker, bool isTls)
    {
        for (var number = worker; !_stop.IsCancellationRequested; number++)
        {
            var isPost = _alsoPosts && number % 2 == 1;
            try
            {
                var response = await ExchangeAsync(port, isPost ? Post : _get, isTls);
                if (!response.StartsWith("HTTP/1.1 200", StringComparison.Ordinal))
                {
                    _failures.Enqueue($"{(isPost ? "POST" : "GET")}: {response.Split('\r')[0]}");
                }
            }
            catch (Exception lost) when (lost is SocketException or IOException or OperationCanceledException)
            {
                _failures.Enqueue($"{(isPost ? "POST" : "GET")}: {lost.Message}");
            }

            Interlocked.Increment(ref _requests);
        }
    }

    private static async Task<string> ExchangeAsync(int port, byte[] request, bool isTls)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), timeout.Token);
        await using Stream stream = new NetworkStream(socket);
        if (!isTls)
        {
            return await ExchangeAsync(stream, request, timeout.Token);
        }

        await using var secure = new SslStream(stream, leaveInnerStreamOpen: false, (_, shown, _, _) => shown is not null);
        await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "kiro.test" }, timeout.Token);
        return await ExchangeAsync(secure, request, timeout.Token);
    }

    private static async Task<string> ExchangeAsync(Stream stream, byte[] request, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(request, cancellationToken);
        using var reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
        var text = await reader.ReadToEndAsync(cancellationToken);
        return text.Length > 0 ? text : "the connection was closed without a response";
    }
}
