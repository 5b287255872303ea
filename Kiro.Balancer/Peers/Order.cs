using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json.Serialization;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Peers;

/// <summary>What an operator wants of a node. The last one of its kind wins, and orders are never changed.</summary>
/// <param name="Backend">The node's id.</param>
/// <param name="Kind"><see cref="Drain"/>, <see cref="Weight"/>, or one that only newer versions know: it is passed on.</param>
/// <param name="Value">How; null takes the order back.</param>
/// <param name="Date">When, by the <see cref="HybridClock"/>.</param>
/// <param name="By">The id of the balancer that was told.</param>
internal sealed record Order(string Backend, string Kind, string? Value, long Date, string By)
{
    /// <summary>The node is to get no new requests. Its value: how it drains.</summary>
    public const string Drain = "drain";

    /// <summary>The node's weight, as a number.</summary>
    public const string Weight = "weight";

    // A DNS name has at most 253 characters.
    private const int MaxBackend = 300;
    private const int MaxText = 64;

    /// <summary>Whether it can be one: it may come from anywhere.</summary>
    [JsonIgnore]
    public bool IsValid =>
        IsText(Backend, MaxBackend) && IsText(Kind, MaxText) && IsText(By, MaxText) && (Value is null || IsText(Value, MaxText))
        && Date is > 0 and < long.MaxValue / 2 && (Kind != Weight || Value is null || WeightOf(Value) is not null);

    /// <summary>Whether it wins over another about the same. Two balancers always find the same.</summary>
    public bool IsAfter(Order other) =>
        Date != other.Date ? Date > other.Date
        : By != other.By ? string.CompareOrdinal(By, other.By) > 0
        : string.CompareOrdinal(Value, other.Value) > 0;

    /// <summary>Stands for the whole order in a digest.</summary>
    public ulong Hash() => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Backend}\n{Kind}\n{Value}\n{Date}\n{By}")));

    /// <summary>As the value of an order.</summary>
    public static string? TextOf(double? weight) => weight?.ToString("R", CultureInfo.InvariantCulture);

    /// <returns>Null when it is none.</returns>
    public static double? WeightOf(string? value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) && BackendWeight.IsValid(weight) ? weight : null;

    private static bool IsText(string? text, int max) => text is { Length: > 0 } && text.Length <= max && !text.AsSpan().ContainsAnyInRange('\0', ' ');
}

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

/// <summary>
/// Dates orders so that a later one has the greater date on whichever balancer it is given, if that one had heard of the
/// earlier: a hybrid logical clock (Kulkarni, Demirbas, Madappa, Avva and Leone, "Logical Physical Clocks", OPODIS 2014).
/// A date is 48 bits of milliseconds since 1970 and 16 bits that count within one; counting beyond them runs into the next.
/// Not for several threads at once.
/// </summary>
internal sealed class HybridClock(TimeProvider time)
{
    private const int CounterBits = 16;

    private long _last;

    /// <summary>The first date of a time of day.</summary>
    public static long DateOf(DateTimeOffset time) => time.ToUnixTimeMilliseconds() << CounterBits;

    /// <summary>A date greater than all that were given or seen, even when the time of day is set back.</summary>
    public long Next() => _last = Math.Max(_last + 1, DateOf(time.GetUtcNow()));

    /// <summary>Takes note of a date that another balancer gave.</summary>
    public void See(long date) => _last = Math.Max(_last, date);
}

/// <summary>
/// Says in little which orders a balancer has: it sorts them into buckets and adds up the hashes in each. Two that differ
/// tell each other only the orders of the buckets that do.
/// </summary>
internal sealed class OrderDigest
{
    public const int Buckets = 64;

    private readonly ulong[] _sums = new ulong[Buckets];

    /// <summary>Where the orders about a node belong.</summary>
    public static int BucketOf(string backend) => (int)(XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(backend)) % Buckets);

    public void Add(Order order) => _sums[BucketOf(order.Backend)] += order.Hash();

    public bool Differs(OrderDigest other, int bucket) => _sums[bucket] != other._sums[bucket];

    public bool Matches(OrderDigest other) => _sums.AsSpan().SequenceEqual(other._sums);

    /// <summary>For the wire.</summary>
    public string Encoded()
    {
        var bytes = new byte[Buckets * sizeof(ulong)];
        for (var bucket = 0; bucket < Buckets; bucket++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(bucket * sizeof(ulong)), _sums[bucket]);
        }

        return Convert.ToBase64String(bytes);
    }

    /// <returns>Null when it is none.</returns>
    public static OrderDigest? Decoded(string? text)
    {
        Span<byte> bytes = stackalloc byte[Buckets * sizeof(ulong)];
        if (text is null || !Convert.TryFromBase64String(text, bytes, out var length) || length != bytes.Length)
        {
            return null;
        }

        var digest = new OrderDigest();
        for (var bucket = 0; bucket < Buckets; bucket++)
        {
            digest._sums[bucket] = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(bucket * sizeof(ulong))..]);
        }

        return digest;
    }

    /// <summary>Few letters, for people: the same where the orders are the same.</summary>
    public override string ToString()
    {
        var all = 0UL;
        foreach (var sum in _sums)
        {
            all += sum;
        }

        return ((uint)(all ^ (all >> 32))).ToString("x8", CultureInfo.InvariantCulture);
    }
}
