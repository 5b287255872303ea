using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Support;

/// <summary>A fake clock whose time of day can be set, as an administrator or NTP does; timestamps are unaffected.</summary>
internal sealed class SettableClock : FakeTimeProvider
{
    /// <summary>How far the time of day is ahead.</summary>
    public TimeSpan Offset { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;

    // FakeTimeProvider derives its timestamps from the time of day.
    public override long GetTimestamp() => base.GetUtcNow().Ticks;
}
