using System.Collections.Frozen;
using System.Globalization;

namespace Kiro.Balancer.Listening.Tls;

/// <summary>All certificates of one moment, and which of them a client gets. Never changed, only replaced.</summary>
internal sealed class CertificateSet
{
    private readonly FrozenDictionary<string, ServerCertificate> _byName;

    /// <param name="certificates">At least one; the first is for clients that name no server, or one that nobody has.</param>
    public CertificateSet(IReadOnlyList<ServerCertificate> certificates)
    {
        All = certificates;
        _byName = certificates
            .SelectMany(certificate => certificate.Names.Select(name => (name, certificate)))
            // Of two for the same name the one that is valid for longer: during a renewal both may lie there.
            .GroupBy(pair => pair.name, pair => pair.certificate)
            .ToFrozenDictionary(group => group.Key, group => group.MaxBy(certificate => certificate.NotAfter)!);
    }

    public IReadOnlyList<ServerCertificate> All { get; }

    /// <summary>The certificate for a server's name (SNI, RFC 6066, section 3): the exact name first, then a wildcard for its
    /// first label (RFC 6125, section 6.4.3).</summary>
    public ServerCertificate For(string? serverName)
    {
        if (string.IsNullOrEmpty(serverName))
        {
            return All[0];
        }

        var name = InAscii(serverName.TrimEnd('.'));
        if (_byName.TryGetValue(name, out var exact))
        {
            return exact;
        }

        return name.IndexOf('.') is > 0 and var dot && _byName.TryGetValue("*" + name[dot..], out var wildcard) ? wildcard : All[0];
    }

    // The framework shows names of other scripts as people write them; in certificates they stand as they are sent (RFC 5890).
    private static string InAscii(string name)
    {
        var lower = name.ToLowerInvariant();
        try
        {
            return System.Text.Ascii.IsValid(lower) ? lower : new IdnMapping().GetAscii(lower);
        }
        catch (ArgumentException)
        {
            // No name that anybody could have.
            return lower;
        }
    }
}
