namespace Kiro.SideBySide.Proxies;

/// <summary>How a proxy identifies clients.</summary>
internal enum ClientIdentity
{
    /// <summary>By source address.</summary>
    SourceAddress,

    /// <summary>By X-Forwarded-For from a trusted peer.</summary>
    ForwardedFor,
}
