using System.Text;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Nodes;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>A loop and what all its connections share.</summary>
internal sealed class FrontWorker
{
    /// <summary>Exchanges kept to be used again.</summary>
    private const int MaxKept = 1024;

    private const int TidyPeriod = 1000;

    private readonly Stack<FrontExchange> _kept = new();
    private readonly Action<int, byte[], ClientAddress?> _handOver;
    private readonly TidyTimer _tidy;
    private readonly byte[] _clientField;
    private int _clients;

    /// <param name="loop">The loop.</param>
    /// <param name="services">The rooms.</param>
    /// <param name="own">Paths that are Kestrel's.</param>
    /// <param name="handOver">Takes a descriptor, what was read from it, and under what it is counted for its client.</param>
    public FrontWorker(FrontLoop loop, FrontServices services, OwnPaths own, Action<int, byte[], ClientAddress?> handOver)
    {
        (Loop, Services, Own, _handOver) = (loop, services, own, handOver);
        Pools = new NodePools(loop, services.Registry, services.Time);
        Date = new DateLine(services.Time);
        _clientField = Encoding.ASCII.GetBytes(services.Clients.Header.Name);
        Counters = services.Counters.Cell(loop.Index);
        _tidy = new TidyTimer(this);
    }

    public FrontLoop Loop { get; }

    public FrontServices Services { get; }

    public NodePools Pools { get; }

    public OwnPaths Own { get; }

    public DateLine Date { get; }

    /// <summary>This loop's.</summary>
    public ForwardingCell Counters { get; }

    /// <summary>For how long a client's connection may be idle, in milliseconds.</summary>
    public long IdleTimeout => (long)Services.Listening.Value.IdleTimeout.TotalMilliseconds;

    /// <summary>The name of the field by which clients are told.</summary>
    public ReadOnlySpan<byte> ClientField => _clientField;

    /// <summary>What was found in the request that is being taken.</summary>
    public RequestHead RequestHead { get; } = new();

    /// <summary>What was found in the response that begins.</summary>
    public ResponseHead ResponseHead { get; } = new();

    /// <summary>Connections of clients on this loop. From any thread.</summary>
    public int Clients => Volatile.Read(ref _clients);

    /// <summary>Exchanges that are under way.</summary>
    public int Exchanges { get; private set; }

    /// <summary>Nothing more is taken; what is under way ends. From the loop's thread.</summary>
    public bool IsStopping { get; set; }

    /// <summary>To be called on the loop's thread, once.</summary>
    public void Begin() => _tidy.Start();

    public void CountClient(int change)
    {
        Interlocked.Add(ref _clients, change);
        Services.Metrics.CountConnection(change);
    }

    public FrontExchange RentExchange()
    {
        Exchanges++;
        return _kept.TryPop(out var exchange) ? exchange : new FrontExchange(this);
    }

    public void Return(FrontExchange exchange)
    {
        Exchanges--;
        if (_kept.Count < MaxKept)
        {
            _kept.Push(exchange);
        }
    }

    /// <summary>Gives a connection to Kestrel.</summary>
    public void HandOver(int descriptor, byte[] received, ClientAddress? key) => _handOver(descriptor, received, key);

    private sealed class TidyTimer(FrontWorker worker) : TimedItem
    {
        public void Start() => worker.Loop.SetDeadline(this, worker.Loop.Now + TidyPeriod);

        internal override void OnDeadline()
        {
            worker.Pools.Tidy();
            Start();
        }
    }
}
