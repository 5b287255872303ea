namespace Kiro.Balancer.Front.EventLoop;

/// <summary>Where new connections come from.</summary>
internal interface ILoopListener
{
    int Descriptor { get; }

    /// <summary>Somebody may be waiting. Never blocks.</summary>
    void Accept(FrontLoop loop);
}
