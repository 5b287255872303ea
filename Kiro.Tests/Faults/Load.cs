using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Serialization;
using Kiro.Tests.Support;

namespace Kiro.Tests.Faults;

/// <summary>
/// Keeps connections busy with alternating GET and POST requests from many client addresses, and records every request.
/// </summary>
internal sealed class Load : IAsyncDisposable
{
    public const int Clients = 500;
    public const int Connections = 64;

    /// <summary>Between two requests of a connection, to keep the machine busy but not starved.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly ConcurrentQueue<Sample> _samples = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly long[] _lastServed = new long[Clients];
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
    /// Waits until every client has had a successful response to a GET sent after this call, so that a test sees
    /// the current node of every client however busy the machine is.
    /// </summary>
    public Task EveryClientAsync()
    {
        var from = _clock.ElapsedTicks;
        return Eventually.BeTrue(
            () => Enumerable.Range(0, Clients).All(client => Volatile.Read(ref _lastServed[client]) >= from), "every client has been served", 120);
    }

    /// <summary>Stops the load and returns every request, ordered by completion.</summary>
    public async Task<IReadOnlyList<Sample>> StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_workers);
        return [.. _samples.OrderBy(sample => sample.Ended)];
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task WorkAsync(string host, int port)
    {
        // One connection per worker, like separate clients.
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 1, UseProxy = false })
        {
            BaseAddress = new Uri($"http://{host}:{port}"),
            Timeout = TimeSpan.FromMinutes(2),
        };
        while (!_stop.IsCancellationRequested)
        {
            var number = Interlocked.Increment(ref _next);
            // Alternates between neighbouring clients and the rounds of each: POSTs only would let a frozen node block every connection.
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
                    failure = await response.Content.ReadAsStringAsync() == "hello" ? null : "the response has another body";
                }
                else
                {
                    var route = await response.Content.ReadFromJsonAsync<Route>();
                    node = route!.Node;
                    failure = route.Ip == Address(client) ? null : $"the node saw {route.Ip}";
                }
            }
            // HttpClient does not wrap the SocketException if a connection is reset right after connecting.
            catch (Exception problem) when (problem is HttpRequestException or OperationCanceledException or IOException or SocketException)
            {
                failure = $"{(isPost ? "POST" : "GET")} {problem.Message}";
            }

            if (node is not null && failure is null)
            {
                Volatile.Write(ref _lastServed[client], sentTicks);
            }

            _samples.Enqueue(new Sample(client, sent, _clock.Elapsed, node, failure));
            await Task.Delay(Pause);
        }
    }

    private sealed record Route([property: JsonPropertyName("ip")] string Ip, [property: JsonPropertyName("node")] string Node);
}

/// <summary>One request of the load.</summary>
/// <param name="Client">The number of the client.</param>
/// <param name="Sent">When it was sent, since the start of the load.</param>
/// <param name="Ended">When its response was complete, or it failed.</param>
/// <param name="Node">The node that served it, if the response tells.</param>
/// <param name="Failure">Why it failed; null if it succeeded.</param>
internal readonly record struct Sample(int Client, TimeSpan Sent, TimeSpan Ended, string? Node, string? Failure);
