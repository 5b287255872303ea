namespace Kiro.SideBySide.Proxies;

/// <summary>How a proxy knows its clients apart.</summary>
internal enum ClientIdentity
{
    /// <summary>By the address that they connect from.</summary>
    SourceAddress,

    /// <summary>By what a trusted peer says in X-Forwarded-For.</summary>
    ForwardedFor,
}
