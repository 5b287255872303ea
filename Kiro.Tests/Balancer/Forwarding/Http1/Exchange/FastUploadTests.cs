using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Http1.Exchange;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Balancer.Selection;
using Kiro.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Exchange;

/// <summary>With inline completions the thread that sends a body also serves other clients' sockets.</summary>
public class FastUploadTests
{
    /// <summary>Small enough for the socket buffer, and more than is sent in one turn.</summary>
    private const int Pieces = 100;

    [Fact]
    public async Task Body_AlwaysAvailable_YieldsTheThread()
    {
        var arrived = "";
        await using var node = new RawBackend(async exchange =>
        {
            arrived = await exchange.ReadBodyAsync();
            await exchange.OkAsync("ok");
        });
        using var watch = new ConnectionWatch(TimeProvider.System);
        var backend = new BackendRuntime(new Backend("127.0.0.1", node.Port), TimeProvider.System);
        var sender = new Http1Sender(new ConnectionPools(watch, TimeProvider.System, new BackendTls(BackendTransportOptions.Default, TimeProvider.System)), new OpenStreams(), TimeProvider.System);
        using (var first = new Attempt(backend, isAwaited: true, isRetryable: true))
        {
            // With a cancellable request, as all real ones: otherwise the connection would not be reused.
            var visit = new DefaultHttpContext { RequestAborted = TestContext.Current.CancellationToken };
            Assert.Null(await sender.SendAsync(LeanRequest.Of(visit, "GET", RequestBody.Empty), first));
        }

        var context = new DefaultHttpContext();
        var body = new PiecewiseBody(Pieces);
        context.Features.Set<IRequestBodyPipeFeature>(body);
        using var attempt = new Attempt(backend, isAwaited: true, isRetryable: false);
        // The connection exists already: nothing else is awaited before the body.
        var sending = sender.SendAsync(LeanRequest.Of(context, "POST", RequestBody.Streamed), attempt);
        body.Leave();

        Assert.Null(await sending);
        Assert.Equal(new string('x', Pieces), arrived);
        Assert.InRange(body.InOneGo, 1, Pieces / 2);
    }
}
