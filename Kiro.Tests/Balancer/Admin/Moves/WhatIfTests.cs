using System.Net;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Balancer.Selection;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Admin.Moves;

public sealed class WhatIfTests : IDisposable
{
    private const double Tolerance = 0.01;
    private static readonly ClientAddress Caller = ClientAddress.From(IPAddress.Parse("203.0.113.7"));

    private readonly RecentSlots _recent = new();
    private readonly ClientHash _hash = new(new HashingOptions(HashingOptions.DefaultSeed, 32, 64));

    [Fact]
    public async Task AskAsync_ANodeLeaves_MovesItsClientsAndNoOther()
    {
        var registry = Registries.Up(5);
        var before = BruteForce.Homes(registry.Nodes(), _ => true);
        var after = BruteForce.Homes([.. registry.Nodes().Where(node => node.Id != "api-3:80")], _ => true);

        var answer = await Ask(registry, new WhatIfQuestion(null, [registry.Find("api-3:80")], null));

        AssertSame(before, after, answer);
        Assert.Equal("leaves", answer.Nodes.Single(node => node.Id == "api-3:80").Change);
        Assert.Equal(answer.MovedShare, answer.Nodes.Single(node => node.Id == "api-3:80").Before, 3);
    }

    [Fact]
    public async Task AskAsync_ANodeIsDownAlready_IsAskedWithoutIt()
    {
        var registry = Registries.Up(4);
        registry.Set("api-1:80", BackendVerdict.Down);
        var before = BruteForce.Homes(registry.Nodes(), id => id != "api-1:80");
        var after = BruteForce.Homes([.. registry.Nodes().Where(node => node.Id != "api-2:80")], id => id != "api-1:80");

        AssertSame(before, after, await Ask(registry, new WhatIfQuestion(null, [registry.Find("api-2:80")], null)));
        var nothing = await Ask(registry, new WhatIfQuestion(null, [registry.Find("api-1:80")], null));
        Assert.Equal(0, nothing.MovedShare);
    }

    [Fact]
    public async Task AskAsync_TwiceAsManyNodes_MovesHalfOfTheClientsToTheNewOnes()
    {
        var registry = Registries.Up(5);
        var before = BruteForce.Homes(registry.Nodes(), _ => true);

        var answer = await Ask(registry, new WhatIfQuestion(10, null, null));

        Candidate[] then = [.. answer.Nodes.Select(node => new Candidate(node.Id, 1))];
        AssertSame(before, BruteForce.Homes(then, _ => true), answer);
        Assert.Equal(0.5, answer.MovedShare, Tolerance);
        Assert.Equal(10, answer.Nodes.Count);
        Assert.All(answer.Nodes, node => Assert.Equal(node.Change == "joins", node.Gains > 0));
    }

    [Fact]
    public async Task AskAsync_FewerNodes_TakesAwayTheLastByTheirNumbers()
    {
        var registry = Registries.Up(11);

        var answer = await Ask(registry, new WhatIfQuestion(9, null, null));

        Assert.Equal(["api-10:80", "api-11:80"], answer.Nodes.Where(node => node.Change == "leaves").Select(node => node.Id).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task AskAsync_AnotherWeight_IsWhatARegistryWithItWouldDo()
    {
        var registry = Registries.Up(4);
        var before = BruteForce.Homes(registry.Nodes(), _ => true);
        Candidate[] then = [.. registry.Nodes().Select(node => node.Id == "api-4:80" ? node with { Weight = 3 } : node)];

        var answer = await Ask(registry, new WhatIfQuestion(null, null, (registry.Find("api-4:80"), 3)));

        AssertSame(before, BruteForce.Homes(then, _ => true), answer);
        Assert.Equal(0.5, answer.Nodes.Single(node => node.Id == "api-4:80").After, Tolerance);
        // Asking changes nothing.
        Assert.Equal(1, registry.Find("api-4:80").Weight);
    }

    [Fact]
    public async Task AskAsync_ANodeStartsSlowly_MovesNobodyForThat()
    {
        var time = new FakeTimeProvider();
        var registry = Registries.Up(3, time, options: new SelectionOptions(0, TimeSpan.FromSeconds(60)));
        registry.Set("api-2:80", BackendVerdict.Down);
        registry.Set("api-2:80", BackendVerdict.Up);
        time.Advance(TimeSpan.FromSeconds(20));
        registry.Refresh();
        Assert.True(registry.Current.Selector.IsInSlowStart);

        Assert.Equal(0, (await Ask(registry, new WhatIfQuestion(3, null, null))).MovedShare);
    }

    [Fact]
    public async Task AskAsync_TheCaller_IsToldWhereTheRoutingCodeWouldSendIt()
    {
        var registry = Registries.Up(5);
        var home = registry.Current.Choose(_hash.Slot(Caller))!;

        var leaves = await Ask(registry, new WhatIfQuestion(null, [home], null));

        registry.Set(home.Id, BackendVerdict.Down);
        var next = registry.Current.Choose(_hash.Slot(Caller))!;
        Assert.Equal(new WhatIfRoute(new NodeName(home.Id, null), new NodeName(next.Id, null), Moves: true), leaves.You);
    }

    [Fact]
    public async Task AskAsync_AllLeave_LeavesNobodyWithANode()
    {
        var registry = Registries.Up(2);

        var answer = await Ask(registry, new WhatIfQuestion(null, [.. registry.Current.Backends], null));

        Assert.Equal(1, answer.MovedShare);
        Assert.Null(answer.You.To);
        Assert.All(answer.Nodes, node => Assert.Equal(0, node.Gains));
    }

    [Fact]
    public async Task AskAsync_ThousandNodes_IsAnswered()
    {
        var answer = await Ask(Registries.Up(3), new WhatIfQuestion(1000, null, null));

        Assert.Equal(1000, answer.Nodes.Count);
        Assert.Equal(0.997, answer.MovedShare, 2);
    }

    [Fact]
    public async Task AskAsync_SessionsStay_TellsWhoMovesAtOnceAndWhoInTheEnd()
    {
        var (idle, time) = (TimeSpan.FromSeconds(60), new FakeTimeProvider());
        var registry = Registries.Up(5, time, options: new SelectionOptions(0, TimeSpan.Zero, idle));
        var sessions = new SessionTable(idle, time);
        var chooser = new BackendChooser(registry, _recent, sessions);
        int[] slots = [.. Nodes.Slots(400), _hash.Slot(Caller)];
        Array.ForEach(slots, slot => chooser.First(slot));
        var had = slots.Count(slot => registry.Current.Choose(slot)!.Id == "api-3:80");
        using var whatIf = new WhatIf(registry, new MoveCounter(_recent), sessions);
        Task<WhatIfResponse?> AskAsync(WhatIfQuestion question) => whatIf.AnswerAsync(question, _hash.Slot(Caller), TestContext.Current.CancellationToken);

        var joins = (await AskAsync(new WhatIfQuestion(10, null, null)))!;
        Assert.Equal(0, joins.MovedAtOnce);
        Assert.InRange(joins.MovedClients, 150, 250);
        Assert.False(joins.You.Moves);
        var leaves = (await AskAsync(new WhatIfQuestion(null, [registry.Find("api-3:80")], null)))!;
        Assert.Equal((had, had), (leaves.MovedAtOnce, leaves.MovedClients));

        // A client kept elsewhere by its session does not move when its home leaves, but when the session's backend does.
        registry.SetWeight(registry.Find("api-3:80"), 100);
        var home = (await AskAsync(new WhatIfQuestion(null, [registry.Find("api-3:80")], null)))!;
        Assert.Equal(had, home.MovedAtOnce);
        Assert.InRange(home.MovedClients, 350, 401);
        time.Advance(2 * idle);
        var ended = (await AskAsync(new WhatIfQuestion(null, [registry.Find("api-3:80")], null)))!;
        Assert.Equal(ended.MovedClients, ended.MovedAtOnce);
    }

    public void Dispose() => _recent.Dispose();

    private async Task<WhatIfResponse> Ask(BackendRegistry registry, WhatIfQuestion question)
    {
        using var whatIf = new WhatIf(registry, new MoveCounter(_recent));
        return (await whatIf.AnswerAsync(question, _hash.Slot(Caller), TestContext.Current.CancellationToken))!;
    }

    private static void AssertSame(string[] before, string[] after, WhatIfResponse answer)
    {
        Assert.Equal(BruteForce.MovedShare(before, after), answer.MovedShare, Tolerance);
        foreach (var node in answer.Nodes)
        {
            Assert.Equal(BruteForce.Share(before, after, (from, _) => from == node.Id), node.Before, Tolerance);
            Assert.Equal(BruteForce.Share(before, after, (_, to) => to == node.Id), node.After, Tolerance);
            Assert.Equal(BruteForce.Share(before, after, (from, to) => from != to && to == node.Id), node.Gains, Tolerance);
        }
    }
}
