using System.Globalization;

namespace Kiro.Balancer.Peers;

/// <summary>How an operator wants a node to drain, as the value of an <see cref="Order"/>.</summary>
/// <param name="LetsSessionsEnd">Whether its sessions may end first.</param>
/// <param name="Until">For how long they may; null for as long as they last.</param>
internal readonly record struct DrainOrder(bool LetsSessionsEnd, DateTimeOffset? Until)
{
    private const string AtOnce = "evacuate";
    private const string Sessions = "drain";

    /// <summary>Without waiting for sessions.</summary>
    public static DrainOrder Evacuate => default;

    /// <returns>Null for no order. A way to drain that only newer versions know is taken for the one without ifs and buts.</returns>
    public static DrainOrder? Parse(string? value) => value switch
    {
        null => null,
        Sessions => new DrainOrder(true, null),
        _ when value.StartsWith(Sessions + ":", StringComparison.Ordinal)
            && long.TryParse(value.AsSpan(Sessions.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            => new DrainOrder(true, DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)),
        _ => Evacuate,
    };

    /// <summary>Its text.</summary>
    public override string ToString() => !LetsSessionsEnd ? AtOnce
        : Until is { } until ? string.Create(CultureInfo.InvariantCulture, $"{Sessions}:{until.ToUnixTimeMilliseconds()}")
        : Sessions;
}
