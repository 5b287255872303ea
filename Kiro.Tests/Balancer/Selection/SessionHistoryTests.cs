using CsCheck;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Backends;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Selection;

/// <summary>Whichever nodes join, leave, die, drain, recover or change their weight, and whenever requests arrive: the choice is that of
/// the reference model.</summary>
public sealed class SessionHistoryTests
{
    private static readonly TimeSpan Idle = SessionModel.Idle;
    private static readonly int[] Clients = SessionModel.Clients;

    [Fact]
    public void First_AnyHistory_MatchesTheReferenceModel() => SessionModel.Events.Array[1, 120].Sample(history =>
    {
        using var recent = new RecentSlots();
        var time = new FakeTimeProvider();
        var registry = Registries.Empty(time, options: new SelectionOptions(0, TimeSpan.Zero, Idle));
        var chooser = new BackendChooser(registry, recent, new SessionTable(Idle, time));
        var model = new SessionModel();
        foreach (var happening in history)
        {
            model.Play(happening, time.Advance, registry);
            Assert.All(SessionModel.Coming(happening), client => Assert.Equal(model.Serve(client), chooser.First(client)?.Backend.Id));
        }

        time.Advance(2 * Idle);
        model.Pass(2 * Idle);
        registry.Refresh();
        Assert.All(Clients, client => Assert.Equal(model.Plain(client), chooser.First(client)?.Backend.Id));
        registry.Current.Selector.Ranking.Retire();
    }, iter: 400);
}
