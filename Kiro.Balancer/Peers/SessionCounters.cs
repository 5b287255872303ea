namespace Kiro.Balancer.Peers;

/// <summary>What balancers tell each other of sessions, counted.</summary>
internal sealed class SessionCounters
{
    private long _sent;
    private long _received;
    private long _told;
    private long _heard;
    private long _differing;
    private long _refused;

    /// <summary>Bytes of messages.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Bytes of messages.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>Slots.</summary>
    public long Told => Interlocked.Read(ref _told);

    /// <summary>Slots that were taken as told.</summary>
    public long Heard => Interlocked.Read(ref _heard);

    /// <summary>Slots that this balancer knew better.</summary>
    public long Differing => Interlocked.Read(ref _differing);

    /// <summary>Slots of balancers with other hashing settings, or whose node was one too many.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    public void Send(int bytes, int slots)
    {
        Interlocked.Add(ref _sent, bytes);
        Interlocked.Add(ref _told, slots);
    }

    public void Receive(int bytes) => Interlocked.Add(ref _received, bytes);

    public void Hear() => Interlocked.Increment(ref _heard);

    public void Differ(int slots) => Interlocked.Add(ref _differing, slots);

    public void Refuse(int slots) => Interlocked.Add(ref _refused, slots);
}
