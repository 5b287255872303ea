namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>A connection that goes on until somebody ends it.</summary>
internal interface IOpenStream
{
    /// <summary>Ends it in the way of its protocol, so that the client knows to come again.</summary>
    void End();
}
