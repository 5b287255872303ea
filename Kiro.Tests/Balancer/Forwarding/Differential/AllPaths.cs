using System.Collections.Concurrent;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding.Differential;

/// <summary>A node, and balancers in front of it that differ in nothing but the path of their requests.</summary>
internal sealed class AllPaths : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Case> _cases = new();
    private readonly ConcurrentDictionary<string, string> _received = new();
    private readonly RawBackend _node;
    private readonly List<TestBalancer> _balancers = [];
    private int _number;

    private AllPaths() => _node = new RawBackend(PlayAsync);

    public static async Task<AllPaths> StartAsync()
    {
        var paths = new AllPaths();
        foreach (var path in (string[])["loop", "lean", "yarp"])
        {
            paths._balancers.Add(await TestBalancer.StartAsync(paths._node.Host, $"FORWARDER={path}"));
        }

        return paths;
    }

    /// <summary>Plays a case over all of them.</summary>
    public async Task<Outcomes> PlayAsync(Case played) =>
        new(await PlayAsync(played, _balancers[0]), await PlayAsync(played, _balancers[1]), await PlayAsync(played, _balancers[2]));

    public async ValueTask DisposeAsync()
    {
        foreach (var balancer in _balancers)
        {
            await balancer.DisposeAsync();
        }

        await _node.DisposeAsync();
    }

    private async Task<Outcome> PlayAsync(Case played, TestBalancer balancer)
    {
        var id = $"case-{Interlocked.Increment(ref _number)}";
        _cases[id] = played;
        var counters = balancer.Backend(_node.Port).Counters;
        var failures = counters.Failures;
        var answer = await AskAsync($"{played.Request}Host: {played.Host}\r\nX-Case: {id}\r\n\r\n", played, balancer.Port);
        await Eventually.BeTrue(() => counters.InFlight == 0, $"it is over: {played}");
        var received = _received.GetValueOrDefault(id);
        return new Outcome(received?.Replace(id, "case", StringComparison.Ordinal), answer, counters.Failures - failures);
    }

    private static async Task<string> AskAsync(string head, Case played, int port)
    {
        using var client = await RawClient.ConnectAsync(port);
        try
        {
            await client.SendAsync(head + played.Body[..played.BodyCut]);
            await Task.Delay(played.BodyCut > 0 ? played.Pause : 0, TestContext.Current.CancellationToken);
            await client.SendAsync(played.Body[played.BodyCut..]);
        }
        catch (IOException)
        {
            // It has read enough of it to refuse it.
        }

        var answer = await client.Stream.ReadHeadAsync();
        while (answer is not null && RawHead.StartLine(answer).StartsWith("HTTP/1.1 103 ", StringComparison.Ordinal))
        {
            // HttpClient drops interim responses; what comes of them is tested elsewhere.
            answer = await client.Stream.ReadHeadAsync();
        }

        return answer is null ? "(no response)" : Outcome.Of(await client.ReadResponseAsync(answer, isHead: head.StartsWith("HEAD ", StringComparison.Ordinal)));
    }

    private async Task PlayAsync(RawExchange exchange)
    {
        var id = exchange.Value("X-Case")!;
        // How much of a body arrives that was answered before is a matter of time.
        _received.TryAdd(id, Outcome.Of(exchange.Head, _cases[id].IsEarly ? "(not waited for)" : await exchange.ReadBodyAsync()));

        foreach (var piece in _cases[id].Answer)
        {
            await exchange.WriteAsync(piece);
            await Task.Delay(_cases[id].Pause, CancellationToken.None);
        }

        if (_cases[id].IsEarly)
        {
            await exchange.ReadBodyAsync();
        }

        if (_cases[id].Closes)
        {
            exchange.Close();
        }
    }
}
