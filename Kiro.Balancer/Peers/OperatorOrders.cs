using System.Text.Json;
using Kiro.Balancer.Backends;
using Kiro.Balancer.State;

namespace Kiro.Balancer.Peers;

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
