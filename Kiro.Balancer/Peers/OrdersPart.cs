using System.Text.Json;
using Kiro.Balancer.State;

namespace Kiro.Balancer.Peers;

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
