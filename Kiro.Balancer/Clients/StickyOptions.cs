namespace Kiro.Balancer.Clients;

/// <summary>What a client is recognised by when it is given its node. Every balancer of a service must have the same.</summary>
/// <param name="Cookie">With <c>STICKY_BY=cookie</c>: the balancer's own, named by <c>STICKY_COOKIE</c>; else null.</param>
/// <param name="Field">With <c>STICKY_BY=header:NAME</c>: the name of the field; else null.</param>
internal sealed partial record StickyOptions(StickyCookie? Cookie, string? Field)
{
    private const string FieldPrefix = "header:";

    /// <summary><c>STICKY_BY=ip</c>, the default.</summary>
    public static StickyOptions ByAddress { get; } = new(null, null);

    /// <summary>Whether the client's address is what counts, and nothing else is to be looked for.</summary>
    public bool IsByAddress => Cookie is null && Field is null;

    /// <summary>As it is set.</summary>
    public string Word => Cookie is not null ? "cookie" : Field is not null ? FieldPrefix + Field : "ip";
}
