namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>What a chunked body goes on with.</summary>
internal enum ChunkPhase
{
    Size,
    Data,
    EndOfData,
    Trailers,
    Done,
}
