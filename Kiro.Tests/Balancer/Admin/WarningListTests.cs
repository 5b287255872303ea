using System.Net;
using Kiro.Balancer;
using Kiro.Balancer.Admin;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Discovery;
using Kiro.Balancer.Limits;
using Kiro.Balancer.State;
using Kiro.Balancer.Telemetry.Traffic;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Balancer.Selection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.Tests.Balancer.Admin;

public sealed class WarningListTests
{
    private readonly ClientCensus _census = new();
    private readonly DiscoveryStatus _discovery = new();
    private readonly LoopGuard _loops = new(new LoopMarker("kiro-a"), TimeProvider.System, NullLogger<LoopGuard>.Instance);
    private string[] _settings = [];

    [Fact]
    public void Of_AllIsWell_IsEmpty() => Assert.Empty(Of(Registries.Up(3)));

    [Fact]
    public void Of_NoNodeIsKnown_SaysSo() => Assert.StartsWith("No node is known yet", Assert.Single(Of(Registries.Empty())), StringComparison.Ordinal);

    [Fact]
    public void Of_NoNodeIsUp_SaysSo()
    {
        var registry = Registries.Up(3);
        registry.SetAll(BackendVerdict.Down);

        Assert.StartsWith("No node is up", Assert.Single(Of(registry)), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_LookupFailed_SaysWhy()
    {
        _discovery.Problem = "Looking up api failed: no address";

        Assert.Equal("Looking up api failed: no address. The last good result stays in use.", Assert.Single(Of(Registries.Up(3))));
    }

    [Fact]
    public void Of_UntrustedProxy_NamesItAndTheVariable()
    {
        Note("10.0.0.1", times: 20, hasField: true);

        var warning = Assert.Single(Of(Registries.Up(3)));
        Assert.StartsWith("10.0.0.1 sends X-Forwarded-For", warning, StringComparison.Ordinal);
        Assert.Contains("TRUSTED_PROXIES", warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(3, 1)]
    public void Of_OneAddressForEverybody_SaysSoWhenThereIsAChoice(int nodes, int warnings)
    {
        Note("10.0.0.1", times: 100, hasField: false);

        var all = Of(Registries.Up(nodes));

        Assert.Equal(warnings, all.Count);
        Assert.All(all, warning => Assert.StartsWith("Every request so far came from 10.0.0.1", warning, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("198.51.100.9", false, "203.0.113.*")]
    [InlineData("203.0.113.7", false, "203.0.113.7")]
    [InlineData("198.51.100.9", true, "203.0.113.7")]
    public void Of_AnAddress_IsShownToItsOwnerAndTheAdministrator(string reader, bool isAdmin, string shown)
    {
        Note("203.0.113.7", times: 100, hasField: true);

        var all = Of(Registries.Up(3), reader, isAdmin);

        Assert.Equal([$"{shown} sends X-Forwarded-For", $"Every request so far came from {shown}"], all.Select(warning => warning.Split(',')[0]));
    }

    [Fact]
    public void Of_RequestsCameBack_SaysSo()
    {
        Assert.True(_loops.IsLoop("cdn.example, kiro-a"));

        Assert.Contains("508", Assert.Single(Of(Registries.Up(3))), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_ASettingIsHardlyMeant_SaysSo()
    {
        _settings = ["ADMIN_TOKEN=short"];

        Assert.StartsWith("ADMIN_TOKEN is shorter", Assert.Single(Of(Registries.Up(3))), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_TwoNodesCallThemselvesAlike_NamesThem()
    {
        var registry = Registries.Up(3);
        foreach (var backend in registry.Current.Backends.Take(2))
        {
            registry.Name(backend.Id, "api-1");
        }

        Assert.Contains("call themselves api-1", Assert.Single(Of(registry)), StringComparison.Ordinal);
    }

    private IReadOnlyList<string> Of(BackendRegistry registry, string reader = "198.51.100.9", bool isAdmin = true) =>
        new WarningList(_census, BalancerSettings.Read(Support.Settings.Of(_settings)).Clients.Sticky, _discovery, _loops, BalancerSettings.Read(Support.Settings.Of(_settings)).Report, Support.Settings.NoReload(), new StateStatus(), new TrafficWatch(registry, new OwnResponses(), TimeProvider.System))
            .Of(registry.Current, ClientAddress.From(IPAddress.Parse(reader)), isAdmin);

    private void Note(string peer, int times, bool hasField)
    {
        var address = ClientAddress.From(IPAddress.Parse(peer));
        for (var time = 0; time < times; time++)
        {
            _census.Record(new Client(address, address, PeerIsTrusted: false), hasField);
        }
    }
}
