using System.Collections.Concurrent;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Http1.Exchange;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Balancer.Forwarding.Http1.Exchange;
using Kiro.Tests.Balancer.Selection;
using Kiro.Tests.Faults;
using Kiro.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding;

/// <summary>A backend closes an idle connection at the moment when a request takes it.</summary>
public sealed class ClosedConnectionTests : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _arrived = new();
    private readonly List<RawStream> _atNode = [];
    private readonly List<PooledConnection> _kept = [];
    private readonly ConnectionWatch _watch = new(TimeProvider.System);
    private readonly RawBackend _node;
    private readonly BackendRuntime _backend;
    private readonly ConnectionPools _pools;
    private readonly ConnectionPool _pool;
    private Func<RawExchange, Task> _answer = exchange => exchange.OkAsync("ok");

    public ClosedConnectionTests()
    {
        _node = new RawBackend(async exchange =>
        {
            if (exchange.Head.StartsWith("GET /first ", StringComparison.Ordinal))
            {
                _atNode.Add(exchange.Connection);
                await exchange.OkAsync("ok");
                return;
            }

            _arrived.Enqueue($"{await exchange.ReadBodyAsync()} over {_atNode.IndexOf(exchange.Connection)}");
            await _answer(exchange);
        });
        _backend = new BackendRuntime(new Backend("127.0.0.1", _node.Port), TimeProvider.System);
        _pools = new ConnectionPools(_watch, TimeProvider.System, new BackendTls(BackendTransportOptions.Default, TimeProvider.System));
        _pool = _pools.Of(_backend);
    }

    public static TheoryData<string, int, bool> Requests => new()
    {
        { "POST", 0, false },
        { "POST", 5, false },
        { "POST", 5, true },
        { "POST", 100_000, false },
        { "POST", 100_000, true },
        { "GET", 0, false },
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Request_Unsent_IsSentOnceOnTheNextConnection(string method, int bytes, bool chunked)
    {
        await KeepAsync(2);

        var (failure, answer) = await SendAsync(method, bytes, chunked, () => Close(1));

        Assert.Null(failure);
        Assert.Equal("ok", answer);
        Assert.Equal($"{new string('x', bytes)} over 0", Assert.Single(_arrived));
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Request_UnsentAndNoneIdle_IsSentOnceOnANewConnection(string method, int bytes, bool chunked)
    {
        await KeepAsync(2);

        var (failure, answer) = await SendAsync(method, bytes, chunked, () => Close(0, 1));

        Assert.Null(failure);
        Assert.Equal("ok", answer);
        Assert.Equal($"{new string('x', bytes)} over -1", Assert.Single(_arrived));
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Request_UnsentAndTheNodeGone_MayBeRetriedElsewhere(string method, int bytes, bool chunked)
    {
        await KeepAsync(1);

        var (failure, _) = await SendAsync(method, bytes, chunked, () =>
        {
            _node.DisposeAsync().AsTask().Wait(Cancel);
            AwaitEnd(0);
        });

        Assert.Equal(FailurePoint.Connect, failure?.Point);
        Assert.Empty(_arrived);
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Request_ReadByTheNode_IsRetriedOnlyWhenSafe(string method, int bytes, bool chunked)
    {
        await KeepAsync(2);
        _answer = exchange =>
        {
            exchange.Close();
            return Task.CompletedTask;
        };

        var (failure, _) = await SendAsync(method, bytes, chunked);

        Assert.Equal(FailurePoint.BeforeResponse, failure?.Point);
        var body = new string('x', bytes);
        Assert.Equal(method == "GET" ? [$"{body} over 1", $"{body} over -1"] : [$"{body} over 1"], _arrived);
    }

    public async ValueTask DisposeAsync()
    {
        _watch.Dispose();
        await _node.DisposeAsync();
    }

    private async Task KeepAsync(int count)
    {
        while (_kept.Count < count)
        {
            var connection = await _pool.ConnectAsync(ForwardingTimeouts.Default.Connect, Cancel);
            connection.Begin(ForwardingTimeouts.Default.Exchange);
            await connection.SendAsync("GET /first HTTP/1.1\r\nHost: a.example\r\n\r\n"u8.ToArray());
            while (connection.Add(await connection.PendingReceive) && !connection.Input.Bytes.Span.EndsWith("\r\n\r\nok"u8))
            {
                connection.BeginReceive();
            }

            connection.Input.Consume(connection.Input.Bytes.Length);
            _kept.Add(connection);
        }

        _kept.ForEach(_pool.Return);
    }

    private void Close(params int[] places)
    {
        foreach (var place in places)
        {
            _atNode[place].Dispose();
        }

        AwaitEnd(places);
    }

    private void AwaitEnd(params int[] places) => Assert.True(
        SpinWait.SpinUntil(() => places.All(place => _kept[place].IsStale(poll: false)), TimeSpan.FromSeconds(60)), "the end has arrived");

    /// <param name="method">The request's method.</param>
    /// <param name="bytes">The length of its body.</param>
    /// <param name="chunked">Whether the body is sent without a length.</param>
    /// <param name="atLastMoment">Called when the request has taken its connection and is about to be sent.</param>
    private async Task<(RequestFailure? Failure, string Answer)> SendAsync(string method, int bytes, bool chunked, Action? atLastMoment = null)
    {
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpRequestLifetimeFeature>(new LastMoment(atLastMoment));
        context.Request.Body = new MemoryStream(Encoding.ASCII.GetBytes(new string('x', bytes)));
        context.Request.ContentLength = chunked || bytes == 0 ? null : bytes;
        using var answer = new MemoryStream();
        context.Response.Body = answer;
        var request = LeanRequest.Of(context, method, bytes == 0 ? RequestBody.Empty : RequestBody.Streamed);
        using var attempt = new Attempt(_backend, isAwaited: true, request.MayBeRepeated);
        var failure = await new Http1Sender(_pools, new OpenStreams(), TimeProvider.System).SendAsync(request, attempt);
        await context.Response.BodyWriter.FlushAsync(Cancel);
        return (failure, Encoding.ASCII.GetString(answer.ToArray()));
    }

    /// <summary>The client's abort token is first registered after the connection was taken.</summary>
    private sealed class LastMoment(Action? action) : IHttpRequestLifetimeFeature
    {
        private Action? _action = action;

        public CancellationToken RequestAborted
        {
            get
            {
                Interlocked.Exchange(ref _action, null)?.Invoke();
                return CancellationToken.None;
            }

            set => throw new NotSupportedException();
        }

        public void Abort()
        {
        }
    }
}
