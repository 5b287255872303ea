using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Support;

/// <summary>A clock that somebody sets: the time of day jumps, and durations do not.</summary>
internal sealed class SettableClock : FakeTimeProvider
{
    /// <summary>How far the time of day was set forward.</summary>
    public TimeSpan Offset { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;

    // The fake clock's own timestamps are its times of day.
    public override long GetTimestamp() => base.GetUtcNow().Ticks;
}
