namespace Kiro.Balancer.Front.Exchange;

/// <summary>
/// How a connection is left. What the client still sends is read and dropped for a while, because a socket that is closed with
/// unread input resets the connection, and with it what the client has not read yet (RFC 9112, section 9.6).
/// </summary>
internal sealed class ClosingState(bool lingers, bool byReset, long began)
{
    /// <summary>For what is still to be sent, in milliseconds.</summary>
    public const int FlushTimeout = 60_000;

    /// <summary>Without a byte from the client, in milliseconds (nginx's lingering_timeout).</summary>
    public const int QuietTimeout = 5_000;

    /// <summary>In all, in milliseconds (nginx's lingering_time).</summary>
    public const int MaxTime = 30_000;

    /// <summary>In all, in bytes: who sends more does not listen.</summary>
    public const long MaxBytes = 64 << 20;

    /// <summary>For what was sent to arrive before a reset, in milliseconds.</summary>
    public const int ResetDelay = 500;

    public bool Lingers { get; } = lingers || byReset;

    public bool ByReset { get; } = byReset;

    /// <summary>When it began, on the loop's clock.</summary>
    public long Began { get; } = began;

    /// <summary>Our end is said.</summary>
    public bool HasEnded { get; set; }
}
