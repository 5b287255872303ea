namespace Kiro.Balancer.Admin.Contract;

/// <summary>HTTPS to clients.</summary>
internal sealed record TlsStatus
{
    /// <summary>Where it listens.</summary>
    public required int Port { get; init; }

    /// <summary>Those that expire first, at most 50.</summary>
    public required IReadOnlyList<CertificateStatus> Certificates { get; init; }

    /// <summary>Why the files that lie there now are not in force; null when they are.</summary>
    public required string? Problem { get; init; }
}

/// <summary>A certificate in force: what it is for, when it expires, and in how many whole days; negative afterwards.</summary>
internal sealed record CertificateStatus(IReadOnlyList<string> Names, DateTimeOffset NotAfter, int DaysLeft);
