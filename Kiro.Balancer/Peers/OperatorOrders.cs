using System.Text.Json;
using Kiro.Balancer.Backends;
using Kiro.Balancer.State;

namespace Kiro.Balancer.Peers;

/// <summary>Executes operators' orders, issued here or at another balancer.</summary>
internal sealed class OperatorOrders(OrderBook book, BackendRegistry registry)
{
    // The order in the book must also be the last one executed.
    private readonly Lock _executing = new();

    /// <summary>Raised after an order was issued here, on the issuing thread.</summary>
    public event Action? Issued;

    /// <summary>Drains the backend, and lets its sessions end.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="timeout">How long sessions may last; null for no limit.</param>
    public void Drain(Backend backend, TimeSpan? timeout = null) =>
        Issue(backend, Order.Drain, new DrainOrder(LetsSessionsEnd: true, registry.Now.Time + timeout).ToString());

    /// <summary>Drains the backend without regard to sessions.</summary>
    public void Evacuate(Backend backend) => Issue(backend, Order.Drain, DrainOrder.Evacuate.ToString());

    /// <summary>Ends the drain.</summary>
    public void Resume(Backend backend) => Issue(backend, Order.Drain, null);

    /// <summary>Overrides the weight.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="weight">Null for the weight from discovery.</param>
    public void SetWeight(Backend backend, double? weight) => Issue(backend, Order.Weight, Order.TextOf(weight));

    /// <summary>Merges orders from a peer.</summary>
    /// <returns>How many of them were new.</returns>
    public int Merge(IReadOnlyList<Order> orders)
    {
        lock (_executing)
        {
            var merged = book.Merge(orders);
            foreach (var order in merged)
            {
                Execute(order);
            }

            return merged.Count;
        }
    }

    private void Issue(Backend backend, string kind, string? value)
    {
        lock (_executing)
        {
            Execute(book.Issue(backend.Id, kind, value));
        }

        Issued?.Invoke();
    }

    // A backend that is not known yet gets its orders when it is discovered.
    private void Execute(Order order)
    {
        if (registry.Current.Backends.FirstOrDefault(known => known.Id == order.Backend)?.Backend is not { } backend)
        {
            return;
        }

        switch (order.Kind)
        {
            case Order.Drain:
                Execute(backend, DrainOrder.Parse(order.Value));
                break;
            case Order.Weight:
                registry.SetWeight(backend, Order.WeightOf(order.Value));
                break;
        }
    }

    private void Execute(Backend backend, DrainOrder? drain)
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

/// <summary>The orders in the state file.</summary>
internal sealed class OrdersPart : IStatePart
{
    private readonly OrderBook _book;
    private readonly OperatorOrders _orders;

    public OrdersPart(OrderBook book, OperatorOrders orders, StateChanges changes)
    {
        (_book, _orders) = (book, orders);
        book.Changed += changes.MarkChanged;
        // An order must be durable before it is acknowledged.
        orders.Issued += changes.SaveNow;
    }

    public string Name => "orders";

    public void Write(Utf8JsonWriter writer) => JsonSerializer.Serialize(writer, [.. _book.All], PeerJson.Default.OrderArray);

    public Action Read(JsonElement saved, TimeSpan age)
    {
        var orders = OrdersIn(saved);
        return () => _book.Restore(orders);
    }

    public void CatchUp(JsonElement saved) => _orders.Merge(OrdersIn(saved));

    private static Order[] OrdersIn(JsonElement saved) => saved.Deserialize(PeerJson.Default.OrderArray) ?? [];
}
