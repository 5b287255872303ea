using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Balancer.State;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Admin.Timeline;

public sealed class EventRecorderTests
{
    [Fact]
    public async Task Keep_WhatHappenedAMomentAgo_IsInTheTimeline()
    {
        var (feed, ring, state) = (new ChangeFeed(), new EventRing(), new StateChanges());
        // The clock stands still, so nothing is recorded because of time passing.
        using var recorder = new EventRecorder(
            feed, new EventWriter(new MoveCounter(new RecentSlots())), ring, state, new FakeTimeProvider(), NullLogger<EventRecorder>.Instance);
        await recorder.StartAsync(TestContext.Current.CancellationToken);
        var registry = Registries.Up(2, TimeProvider.System, feed);

        registry.Evacuate(registry.Find("api-1:80"));
        state.SaveNow();

        Assert.Equal("draining", ring.Newest(1)[0].Kind);
        await recorder.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Recorder_AChangeThatCannotBeWritten_GoesOnWithTheNext()
    {
        var (feed, ring, recent) = (new ChangeFeed(), new EventRing(), new RecentSlots());
        using var recorder = new EventRecorder(
            feed, new EventWriter(new MoveCounter(recent)), ring, new StateChanges(), TimeProvider.System, NullLogger<EventRecorder>.Instance);
        await recorder.StartAsync(TestContext.Current.CancellationToken);
        feed.Write(new RegistryChange(null!, null!, []));
        await Eventually.BeTrue(() => feed.Changes.Count == 0, "it is read");

        var registry = Registries.Up(2, TimeProvider.System, feed);

        await Eventually.BeTrue(
            () =>
            {
                registry.Drain(registry.Find("api-1:80"));
                registry.Resume(registry.Find("api-1:80"));
                return ring.Newest(1)[0].Kind != "started";
            },
            "the next is written");
        await recorder.StopAsync(TestContext.Current.CancellationToken);
    }
}
