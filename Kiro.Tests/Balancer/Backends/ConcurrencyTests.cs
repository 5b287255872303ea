using Kiro.Balancer.Backends;

namespace Kiro.Tests.Balancer.Backends;

public sealed class ConcurrencyTests
{
    [Fact]
    public async Task Current_ConcurrentWriters_IsConsistent()
    {
        var registry = Registries.Up(6);
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 3).Select(reader => Task.Run(() => Read(registry, reader, stop.Token), TestContext.Current.CancellationToken)).ToList();
        var writers = Enumerable.Range(0, 3).Select(writer => Task.Run(() => Write(registry, writer), TestContext.Current.CancellationToken)).ToList();

        await Task.WhenAll(writers);
        await stop.CancelAsync();
        var seen = await Task.WhenAll(readers);
        registry.Current.Selector.Ranking.Retire();

        Assert.All(seen, count => Assert.True(count > 0));
        AssertConsistent(registry.Current, 0);
        // No write may be lost: exactly the nodes that are up get clients.
        registry.Resume(registry.Find(registry.Ids()[0]));
        registry.SetMembers(Registries.Endpoints(6));
        registry.Set("api-1:80", BackendVerdict.Up);
        Assert.Equal(
            registry.Current.Backends.Where(backend => backend.Health.State == BackendState.Up).Select(backend => backend.Id),
            registry.Serving());
    }

    private static void Write(BackendRegistry registry, int seed)
    {
        var random = new Random(seed);
        for (var step = 0; step < 1500; step++)
        {
            var backends = registry.Current.Backends;
            var backend = backends[random.Next(backends.Count)];
            switch (random.Next(4))
            {
                case 0:
                    // At least one node stays, or there would be nothing to choose.
                    registry.SetMembers(Registries.Endpoints(6).Where((_, place) => place == 0 || random.Next(3) > 0)
                        .Select(endpoint => endpoint with { Weight = 1 + random.Next(2) }));
                    break;
                case 1:
                    registry.MarkDown(backend.Backend, "connection refused");
                    break;
                case 2:
                    registry.ToggleDrain(backend);
                    break;
                default:
                    registry.Probed(backend.Backend, new ProbeResult(ProbeOutcome.Passed, null, null, null));
                    break;
            }
        }
    }

    private static int Read(BackendRegistry registry, int seed, CancellationToken stop)
    {
        var reads = 0;
        do
        {
            AssertConsistent(registry.Current, seed + reads);
            reads++;
        }
        while (!stop.IsCancellationRequested);

        return reads;
    }

    private static void AssertConsistent(BackendSnapshot snapshot, int slot)
    {
        Assert.Equal(snapshot.Backends.Select(backend => backend.Id), snapshot.Selector.Ranking.Nodes.Select(node => node.Id));
        var chosen = snapshot.Choose(slot % 1000);
        Assert.NotNull(chosen);
        Assert.Contains(chosen.Backend, snapshot.Backends.Select(known => known.Backend));
        // A snapshot always gives the same result.
        Assert.Same(chosen.Backend, snapshot.Choose(slot % 1000)?.Backend);
        Assert.Same(chosen.Backend, snapshot.Next(slot % 1000, [])?.Backend);
        Assert.NotSame(chosen.Backend, snapshot.Next(slot % 1000, [chosen.Backend])?.Backend);
    }
}
