using Kiro.Balancer.Forwarding.Streams;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Forwarding.Streams;

public sealed class StreamSessionsTests
{
    private const int Slot = 4711;
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task OpenStream_NoRequestForLong_KeepsItsSlotUntilItEnds()
    {
        var time = new FakeTimeProvider();
        var registry = Registries.Up(3, time, options: new SelectionOptions(0, TimeSpan.Zero, Idle));
        var sessions = new SessionTable(Idle, time);
        var streams = new OpenStreams();
        var stream = new Stream();
        streams.Add(stream, Slot, registry.Find("api-2:80"));
        using var watch = new StreamSessions(streams, registry, sessions, time);
        await watch.StartAsync(TestContext.Current.CancellationToken);

        // Several times as long as a slot is remembered.
        for (var turn = 0; turn < 10; turn++)
        {
            await Eventually.BeTrue(
                () =>
                {
                    time.Advance(Idle / 3);
                    return sessions.HolderOf(Slot) == registry.Find("api-2:80").Known.Tenure;
                },
                "the slot is held");
        }

        streams.Remove(stream);
        await Eventually.BeTrue(
            () =>
            {
                time.Advance(Idle);
                return sessions.HolderOf(Slot) == Tenure.None;
            },
            "the slot is free");
        await watch.StopAsync(TestContext.Current.CancellationToken);
    }

    private sealed class Stream : IOpenStream
    {
        public void End()
        {
        }
    }
}
