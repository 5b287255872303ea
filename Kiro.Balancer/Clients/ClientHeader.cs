namespace Kiro.Balancer.Clients;

/// <summary>The field by which a trusted peer tells who the client is.</summary>
/// <param name="Name">As it is set.</param>
/// <param name="Form">How it is read.</param>
internal sealed partial record ClientHeader(string Name, ClientHeaderForm Form)
{
    public const string XForwardedFor = "X-Forwarded-For";
    public const string Forwarded = "Forwarded";

    /// <summary>What is read when <c>CLIENT_IP_HEADER</c> is unset: X-Forwarded-For, and where that is missing Forwarded.</summary>
    public static ClientHeader Default { get; } = new(XForwardedFor, ClientHeaderForm.Either);
}

/// <summary>How a field tells who the client is.</summary>
internal enum ClientHeaderForm
{
    /// <summary>X-Forwarded-For; where that is missing, Forwarded.</summary>
    Either,

    /// <summary>A list of addresses, to which each proxy appends its peer.</summary>
    XForwardedFor,

    /// <summary>A list of elements with <c>for=</c> (RFC 7239).</summary>
    Forwarded,

    /// <summary>The client's address and nothing else.</summary>
    OneAddress,
}
