using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Kiro.Tests.Faults;

/// <summary>Clients that open a connection for each request, GET and POST in turn, and write down every failure. Nothing is
/// tried twice.</summary>
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

    /// <param name="port">On this machine.</param>
    /// <param name="workers">At the same time.</param>
    /// <param name="isTls">Whether they speak HTTPS.</param>
    /// <param name="pageOnly">A page of the balancer's own, which is got and never posted to; null for what the nodes serve.</param>
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
                var response = await AskAsync(port, isPost ? Post : _get, isTls);
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

    private static async Task<string> AskAsync(int port, byte[] request, bool isTls)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), patience.Token);
        await using Stream stream = new NetworkStream(socket);
        if (!isTls)
        {
            return await AskAsync(stream, request, patience.Token);
        }

        await using var secure = new SslStream(stream, leaveInnerStreamOpen: false, (_, shown, _, _) => shown is not null);
        await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "kiro.test" }, patience.Token);
        return await AskAsync(secure, request, patience.Token);
    }

    private static async Task<string> AskAsync(Stream stream, byte[] request, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(request, cancellationToken);
        using var reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
        var text = await reader.ReadToEndAsync(cancellationToken);
        return text.Length > 0 ? text : "the connection ended without a response";
    }
}
