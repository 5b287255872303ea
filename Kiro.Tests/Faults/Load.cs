using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Serialization;
using Kiro.Tests.Support;

namespace Kiro.Tests.Faults;

/// <summary>
/// Keeps connections busy with GET and POST in turn, in the name of many client addresses, and writes down every response.
/// </summary>
internal sealed class Load : IAsyncDisposable
{
    public const int Clients = 500;
    public const int Connections = 64;

    /// <summary>Between two requests of a connection: the machine is to be busy, not starved.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly ConcurrentQueue<Answer> _answers = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly long[] _told = new long[Clients];
    private readonly Task[] _workers;
    private int _next;

    public Load(int port, string host = "127.0.0.1")
    {
        _workers = [.. Enumerable.Range(0, Connections).Select(_ => Task.Run(() => WorkAsync(host, port)))];
    }

    /// <summary>Time since the load began.</summary>
    public TimeSpan Now => _clock.Elapsed;

    public static string Address(int client) => $"203.0.{113 + client / 250}.{client % 250 + 1}";

    /// <summary>Lets the load run for a while.</summary>
    public static Task For(double seconds) => Task.Delay(TimeSpan.FromSeconds(seconds), TestContext.Current.CancellationToken);

    /// <summary>
    /// Waits until each client has been told its node by a request that was sent from now on: what holds for all of
    /// them has then been seen of all of them, however busy the machine is.
    /// </summary>
    public Task EveryClientAsync()
    {
        var from = _clock.ElapsedTicks;
        return Eventually.BeTrue(
            () => Enumerable.Range(0, Clients).All(client => Volatile.Read(ref _told[client]) >= from), "every client has been served", 120);
    }

    /// <summary>Ends the load and returns every response, in the order of their ends.</summary>
    public async Task<IReadOnlyList<Answer>> StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_workers);
        return [.. _answers.OrderBy(answer => answer.Ended)];
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task WorkAsync(string host, int port)
    {
        // A connection a worker, as so many separate clients have.
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 1, UseProxy = false })
        {
            BaseAddress = new Uri($"http://{host}:{port}"),
            Timeout = TimeSpan.FromMinutes(2),
        };
        while (!_stop.IsCancellationRequested)
        {
            var number = Interlocked.Increment(ref _next);
            // Neighbours differ, and a client's turns do: were all of a moment POSTs, a node that hangs would hold every connection.
            var (client, isPost) = (number % Clients, (number + number / Clients) % 2 == 1);
            var (sent, sentTicks) = (_clock.Elapsed, _clock.ElapsedTicks);
            string? node = null, failure = null;
            try
            {
                using var request = new HttpRequestMessage(isPost ? HttpMethod.Post : HttpMethod.Get, isPost ? "/api/echo" : "/api/client-ip");
                request.Headers.Add("X-Forwarded-For", Address(client));
                request.Content = isPost ? new StringContent("hello") : null;
                using var response = await http.SendAsync(request);
                if (!response.IsSuccessStatusCode)
                {
                    failure = $"{request.Method} {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
                }
                else if (isPost)
                {
                    failure = await response.Content.ReadAsStringAsync() == "hello" ? null : "another body came back";
                }
                else
                {
                    var route = await response.Content.ReadFromJsonAsync<Route>();
                    node = route!.Node;
                    failure = route.Ip == Address(client) ? null : $"the node saw {route.Ip}";
                }
            }
            // The client lets the socket's own exception through when a connection is reset before it has looked at its other end.
            catch (Exception problem) when (problem is HttpRequestException or OperationCanceledException or IOException or SocketException)
            {
                failure = $"{(isPost ? "POST" : "GET")} {problem.Message}";
            }

            if (node is not null && failure is null)
            {
                Volatile.Write(ref _told[client], sentTicks);
            }

            _answers.Enqueue(new Answer(client, sent, _clock.Elapsed, node, failure));
            await Task.Delay(Pause);
        }
    }

    private sealed record Route([property: JsonPropertyName("ip")] string Ip, [property: JsonPropertyName("node")] string Node);
}
