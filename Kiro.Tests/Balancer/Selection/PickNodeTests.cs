using System.Net;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Selection;

/// <summary>From an address to its node without an allocation, with any number of nodes and with nodes down.</summary>
public sealed class PickNodeTests
{
    [Theory]
    [InlineData(5, "up")]
    [InlineData(5, "one down")]
    [InlineData(5, "panic")]
    [InlineData(100, "up")]
    [InlineData(100, "one down")]
    [InlineData(1000, "up")]
    [InlineData(1000, "one down")]
    public async Task Choose_AnyClient_AllocatesNothing(int count, string state)
    {
        var registry = Registries.Up(count);
        if (state == "panic")
        {
            registry.SetAll(BackendVerdict.Down);
        }
        else if (state == "one down")
        {
            registry.Set("api-2:80", BackendVerdict.Down);
        }

        if (count == 100)
        {
            // From the table; with 5 and 1000 nodes by calculation.
            await registry.Current.Selector.Ranking.Ready;
        }

        var hash = new ClientHash(new HashingOptions(Nodes.Seed, 32, 64));
        IPAddress[] clients = [.. Enumerable.Range(0, 251).Select(client => new IPAddress([203, 0, 113, (byte)client])), IPAddress.Parse("2001:db8::1")];
        var chosen = 0;

        var bytes = Allocated.By(run =>
        {
            var client = ClientAddress.From(clients[run % clients.Length]);
            chosen += registry.Current.Choose(hash.Slot(client)) is null ? 0 : 1;
        });
        registry.Current.Selector.Ranking.Retire();

        Assert.Equal(0, bytes);
        Assert.Equal(50_000, chosen);
    }
}
