using System.Collections.Concurrent;
using System.Diagnostics;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Front;

/// <summary>Spans of requests on the event loops.</summary>
public sealed class FrontSpanTests
{
    [Theory]
    [InlineData("200 OK", 200, false)]
    [InlineData("404 Not Found", 404, false)]
    [InlineData("500 Internal Server Error", 500, true)]
    public async Task Request_OneBackend_HasAServerSpanWithOneClientSpan(string status, int code, bool isError)
    {
        using var spans = new Spans();
        await using var node = RawBackend.Responding($"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        await balancer.ExchangeAsync($"GET /a?secret=1 HTTP/1.1\r\nHost: a.example\r\ntraceparent: {spans.Parent}\r\ntracestate: x=1\r\n\r\n");

        await Eventually.BeTrue(() => spans.Ended.Count == 2, "both spans have ended");
        var (request, attempt) = (spans.Of(ActivityKind.Server).Single(), spans.Of(ActivityKind.Client).Single());
        Assert.Equal(Spans.ParentSpan, request.ParentSpanId.ToHexString());
        Assert.Equal(request.SpanId, attempt.ParentSpanId);
        Assert.Equal(("GET", "/a", "a.example", code), (Tag(request, "http.request.method"), Tag(request, "url.path"), Tag(request, "server.address"), request.GetTagItem("http.response.status_code")));
        Assert.Equal((code, node.Port), (attempt.GetTagItem("http.response.status_code"), attempt.GetTagItem("server.port")));
        Assert.Equal(isError ? ActivityStatusCode.Error : ActivityStatusCode.Unset, request.Status);
        Assert.Equal($"00-{spans.Trace}-{attempt.SpanId.ToHexString()}-01", RawHead.Value(node.Heads.Single(), "traceparent"));
        Assert.Equal("x=1", RawHead.Value(node.Heads.Single(), "tracestate"));
    }

    [Fact]
    public async Task Request_Retried_HasAClientSpanForEachAttempt()
    {
        using var spans = new Spans();
        await using var node = RawBackend.Responding();
        await using var broken = new RawBackend(exchange =>
        {
            exchange.Close();
            return Task.CompletedTask;
        });
        await using var balancer = await TestBalancer.StartAsync($"{node.Host},{broken.Host}");

        var answer = await balancer.ExchangeAsync(
            $"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {balancer.ClientOf(broken.Port)}\r\ntraceparent: {spans.Parent}\r\n\r\n");

        Assert.Equal(200, answer.Status);
        await Eventually.BeTrue(() => spans.Ended.Count == 3, "all spans have ended");
        var tries = spans.Of(ActivityKind.Client).OrderBy(span => span.StartTimeUtc).ToArray();
        Assert.Equal([broken.Port, node.Port], tries.Select(span => (int)span.GetTagItem("server.port")!));
        Assert.Equal([ActivityStatusCode.Error, ActivityStatusCode.Unset], tries.Select(span => span.Status));
        Assert.All(tries, span => Assert.Equal(spans.Of(ActivityKind.Server).Single().SpanId, span.ParentSpanId));
        Assert.Contains(tries[0].SpanId.ToHexString(), RawHead.Value(broken.Heads.Last(), "traceparent"), StringComparison.Ordinal);
        Assert.Contains(tries[1].SpanId.ToHexString(), RawHead.Value(node.Heads.Single(), "traceparent"), StringComparison.Ordinal);
    }

    private static string? Tag(Activity span, string name) => span.GetTagItem(name) as string;

    /// <summary>Records the spans of one trace only; those of other tests are not sampled.</summary>
    private sealed class Spans : IDisposable
    {
        private readonly ActivityListener _listener;

        public Spans()
        {
            Trace = ActivityTraceId.CreateRandom().ToHexString();
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == "Kiro.Front",
                Sample = (ref ActivityCreationOptions<ActivityContext> options) =>
                    options.Parent.TraceId.ToHexString() == Trace ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
                ActivityStopped = Ended.Enqueue,
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public string Trace { get; }

        public const string ParentSpan = "b7ad6b7169203331";

        public string Parent => $"00-{Trace}-{ParentSpan}-01";

        public ConcurrentQueue<Activity> Ended { get; } = [];

        public IEnumerable<Activity> Of(ActivityKind kind) => Ended.Where(span => span.Kind == kind);

        public void Dispose() => _listener.Dispose();
    }
}
