using System.Text.RegularExpressions;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>Finds misspelt variables, which would otherwise be ignored silently.</summary>
internal static partial class LookAlikes
{
    /// <summary>Prefixes of Kiro's variables that other programs are unlikely to use.</summary>
    private static readonly string[] Families =
        ["BACKEND_", "BALANCER_", "CLIENT_IP_", "DRAIN_", "EXCHANGE_", "HASH_", "HEALTH_", "LEDGER_", "LIMIT_", "SQLITE_", "STICKY_", "TLS_", "TRUSTED_"];

    /// <summary>Shorter names resemble too many other words.</summary>
    private const int MinLength = 6;

    /// <summary>A warning for each that is probably meant for this program.</summary>
    /// <param name="given">The variables that are set, with their values.</param>
    /// <param name="own">The names that this program reads.</param>
    public static IEnumerable<string> Find(IEnumerable<KeyValuePair<string, string?>> given, IReadOnlyCollection<string> own)
    {
        foreach (var (name, value) in given.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (string.IsNullOrWhiteSpace(value) || KnownSettings.All.Contains(name, StringComparer.OrdinalIgnoreCase)
                || KnownSettings.IsOfTheFramework(name) || IsOfAnOrchestrator(name, value))
            {
                continue;
            }

            if (Meant(name) is { } meant)
            {
                if (own.Contains(meant, StringComparer.OrdinalIgnoreCase))
                {
                    yield return $"{name} is not a setting. Did you mean {meant}?";
                }
            }
            else if (OfFamily(name, own) is { Length: > 0 } family)
            {
                yield return $"{name} is not a setting. There {(family.Length == 1 ? "is" : "are")} {string.Join(", ", family)}.";
            }
        }
    }

    /// <summary>The most similar known name; null if none is similar.</summary>
    public static string? Meant(string name)
    {
        var upper = name.ToUpperInvariant();
        if (KnownSettings.All.FirstOrDefault(known => Bare(known) == Bare(upper)) is { } same)
        {
            return same;
        }

        if (upper.Length < MinLength)
        {
            return null;
        }

        var family = Families.FirstOrDefault(prefix => upper.StartsWith(prefix, StringComparison.Ordinal));
        if (family is not null && KnownSettings.All.Where(known => known.StartsWith(upper, StringComparison.Ordinal)).MinBy(known => known.Length) is { } longer)
        {
            return longer;
        }

        var (nearest, distance) = KnownSettings.All
            .Where(known => family is null || known.StartsWith(family, StringComparison.Ordinal))
            .Select(known => (Name: known, Distance: Distance(upper, known)))
            .Where(candidate => family is null || IsLike(upper[family.Length..], candidate.Name[family.Length..], candidate.Distance))
            .DefaultIfEmpty((Name: "", Distance: int.MaxValue))
            .MinBy(candidate => candidate.Distance);
        var most = family is not null ? upper.Length / 2 : upper.Length < 9 ? 1 : 2;
        return distance <= most ? nearest : null;
    }

    // Within a family, edit distance misleads: TLS_CRT is nearer to TLS_PORT than to TLS_CERTIFICATE.
    private static bool IsLike(string given, string known, int distance) =>
        given.Length > 0 && (distance <= (given.Length > 3 ? 2 : 1) || given.AsSpan().CommonPrefixLength(known) >= 3
            || given.Contains(known, StringComparison.Ordinal) || known.Contains(given, StringComparison.Ordinal));

    // Also matches the prefix itself, such as BACKENDS and STICKY.
    private static string[] OfFamily(string name, IReadOnlyCollection<string> own)
    {
        var upper = name.ToUpperInvariant();
        return upper.Length < MinLength || Families.FirstOrDefault(
            prefix => upper.StartsWith(prefix, StringComparison.Ordinal) || upper.TrimEnd('S') + "_" == prefix) is not { } family ? []
            : [.. own.Where(known => known.StartsWith(family, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    // Docker links and Kubernetes services set variables with the addresses of other services, named after these.
    private static bool IsOfAnOrchestrator(string name, string value) =>
        value.StartsWith("tcp://", StringComparison.Ordinal) || value.StartsWith("udp://", StringComparison.Ordinal) || Links().IsMatch(name);

    private static string Bare(string name) => name.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).Replace(".", "", StringComparison.Ordinal);

    /// <summary>The edit distance with transpositions (optimal string alignment).</summary>
    internal static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                rows[i, j] = i == 0 || j == 0
                    ? i + j
                    : Math.Min(Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1, rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
                }
            }
        }

        return rows[a.Length, b.Length];
    }

    [GeneratedRegex("_SERVICE_(HOST|PORT)($|_)|_PORT_[0-9]+_(TCP|UDP)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Links();
}
