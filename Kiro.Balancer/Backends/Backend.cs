namespace Kiro.Balancer.Backends;

/// <summary>A node, from when discovery first names it until it is forgotten.</summary>
internal sealed class Backend(BackendEndpoint endpoint, BackendHealth health, TimeProvider? time = null)
{
    private volatile BackendHealth _health = health;
    private volatile BackendEndpoint _endpoint = endpoint;
    private volatile object? _operatorWeight;
    private bool _closes;

    /// <summary>Stable, unique, and what is hashed.</summary>
    public string Id { get; } = endpoint.Id;

    /// <summary>Where it is; only the weight ever changes.</summary>
    public BackendEndpoint Endpoint
    {
        get => _endpoint;
        internal set => _endpoint = value;
    }

    /// <summary>The weight that an operator gave it, which wins over discovery's; null when none did.</summary>
    // In one piece, for it is read without a lock.
    public double? OperatorWeight
    {
        get => (double?)_operatorWeight;
        internal set => _operatorWeight = value;
    }

    /// <summary>The weight that discovery gave it; only <see cref="BackendRegistry"/> reads and writes it.</summary>
    internal double DiscoveredWeight { get; set; } = endpoint.Weight;

    /// <summary>What a request's URL starts with.</summary>
    public string UrlPrefix { get; } = "http://" + endpoint.Authority;

    /// <summary>The latest health; only <see cref="BackendRegistry"/> writes it.</summary>
    public BackendHealth Health
    {
        get => _health;
        internal set => _health = value;
    }

    public BackendCounters Counters { get; } = new(time ?? TimeProvider.System);

    /// <summary>Set by whoever has reason to doubt the node's state.</summary>
    public WakeSignal ProbeNow { get; } = new();

    /// <summary>What requests keep open to the node, from one to the next. Theirs alone.</summary>
    public object? Connections { get; set; }

    /// <summary>Fires when it is hopeless to wait for this node's answers any longer.</summary>
    public CancellationToken Abandoned => Waiting.Token;

    // Written by the node's probe loop alone. Never disposed: it has no timer, and requests may still hold its token.
    private CancellationTokenSource Waiting { get; set; } = new();

    /// <summary>Lets every request that waits for an answer, and can be sent elsewhere, go there.</summary>
    public void AbandonWaiting()
    {
        var waiting = Waiting;
        Waiting = new CancellationTokenSource();
        waiting.Cancel();
    }

    /// <summary>Notes whether an answer of the node ended its connection.</summary>
    public void NoteClosing(bool closes)
    {
        if (closes == _closes)
        {
            return;
        }

        _closes = closes;
        if (closes)
        {
            // Servers that shut down begin to say so like this; a probe finds out whether this one does.
            ProbeNow.Set();
        }
    }

    public override string ToString() => Health.Node is { } node && node != Id ? $"{node} ({Id})" : Id;
}
