using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kiro.Balancer.Backends;
using Kiro.Balancer.State;

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

/// <summary>Carries out what operators order, here or at another balancer.</summary>
internal sealed class OperatorOrders(OrderBook book, BackendRegistry registry)
{
    // So that of two orders about a node the one that is in the book is also the one that is carried out last.
    private readonly Lock _carryingOut = new();

    /// <summary>Raised after an order was given here, on the thread of whoever gave it.</summary>
    public event Action? Given;

    /// <summary>Takes the node out of use, and lets its sessions end where sessions stay.</summary>
    /// <param name="backend">The node.</param>
    /// <param name="timeout">After which it is evacuated; null for never.</param>
    public void Drain(Backend backend, TimeSpan? timeout = null) =>
        Give(backend, Order.Drain, new DrainOrder(LetsSessionsEnd: true, registry.Now.Time + timeout).ToString());

    /// <summary>Takes the node out of use at once: it finishes what it has in hand.</summary>
    public void Evacuate(Backend backend) => Give(backend, Order.Drain, DrainOrder.Evacuate.ToString());

    /// <summary>Brings the node back into use, as far as operators had it drained.</summary>
    public void Resume(Backend backend) => Give(backend, Order.Drain, null);

    /// <summary>Gives the node another share of the clients.</summary>
    /// <param name="backend">The node.</param>
    /// <param name="weight">Its weight; null for the one that discovery gives it.</param>
    public void SetWeight(Backend backend, double? weight) => Give(backend, Order.Weight, Order.TextOf(weight));

    /// <summary>Takes the orders that a peer told.</summary>
    /// <returns>How many of them were news.</returns>
    public int Take(IReadOnlyList<Order> orders)
    {
        lock (_carryingOut)
        {
            var taken = book.Take(orders);
            foreach (var order in taken)
            {
                CarryOut(order);
            }

            return taken.Count;
        }
    }

    private void Give(Backend backend, string kind, string? value)
    {
        lock (_carryingOut)
        {
            CarryOut(book.Give(backend.Id, kind, value));
        }

        Given?.Invoke();
    }

    // A node that is not known yet gets its orders when it joins.
    private void CarryOut(Order order)
    {
        if (registry.Current.Backends.FirstOrDefault(known => known.Id == order.Backend)?.Backend is not { } backend)
        {
            return;
        }

        switch (order.Kind)
        {
            case Order.Drain:
                CarryOut(backend, DrainOrder.Parse(order.Value));
                break;
            case Order.Weight:
                registry.SetWeight(backend, Order.WeightOf(order.Value));
                break;
        }
    }

    private void CarryOut(Backend backend, DrainOrder? drain)
    {
        switch (drain)
        {
            case null:
                registry.Resume(backend);
                break;
            case { LetsSessionsEnd: true, Until: var until }:
                registry.Drain(backend, until - registry.Now.Time);
                break;
            default:
                registry.Evacuate(backend);
                break;
        }
    }
}

/// <summary>What operators ordered, in the state.</summary>
internal sealed class OrdersPart : IStatePart
{
    private readonly OrderBook _book;
    private readonly OperatorOrders _orders;

    public OrdersPart(OrderBook book, OperatorOrders orders, StateChanges changes)
    {
        (_book, _orders) = (book, orders);
        book.Changed += changes.Note;
        // What an operator was told is done must not be forgotten.
        orders.Given += changes.Keep;
    }

    public string Name => "orders";

    public void Write(Utf8JsonWriter writer) => JsonSerializer.Serialize(writer, [.. _book.All], PeerJson.Default.OrderArray);

    public Action Read(JsonElement saved, TimeSpan age)
    {
        var orders = OrdersIn(saved);
        return () => _book.Restore(orders);
    }

    public void CatchUp(JsonElement saved) => _orders.Take(OrdersIn(saved));

    private static Order[] OrdersIn(JsonElement saved) => saved.Deserialize(PeerJson.Default.OrderArray) ?? [];
}
