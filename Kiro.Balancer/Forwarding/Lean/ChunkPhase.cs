namespace Kiro.Balancer.Forwarding.Lean;

/// <summary>What a chunked body goes on with.</summary>
internal enum ChunkPhase
{
    Size,
    Data,
    EndOfData,
    Trailers,
    Done,
}
