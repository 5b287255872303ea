namespace Kiro.Cluster.Status;

/// <summary>Requests per second of each node, from the counters in the last status responses.</summary>
internal sealed class RequestRates
{
    private const int Samples = 5;

    private readonly Queue<StatusDocument> _samples = new();

    /// <summary>Adds a response.</summary>
    public void Note(StatusDocument document)
    {
        // Decreasing counters mean that the balancer was restarted.
        if (_samples.TryPeek(out var oldest) && (document.Backends ?? []).Any(backend => backend?.Requests < Requests(oldest, backend?.Id)))
        {
            _samples.Clear();
        }

        _samples.Enqueue(document);
        if (_samples.Count > Samples)
        {
            _samples.Dequeue();
        }
    }

    /// <summary>The rate of a node; null until two responses include it.</summary>
    public double? Of(string? id)
    {
        if (_samples.Count < 2)
        {
            return null;
        }

        var (first, last) = (_samples.Peek(), _samples.Last());
        var seconds = (last.Timestamp - first.Timestamp).TotalSeconds;
        return seconds > 0 ? (Requests(last, id) - Requests(first, id)) / seconds : null;
    }

    private static long? Requests(StatusDocument document, string? id) =>
        document.Backends?.FirstOrDefault(backend => backend?.Id == id)?.Requests;
}
