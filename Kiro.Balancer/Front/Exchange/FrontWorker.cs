using System.Globalization;
using System.Net;
using System.Text;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Front.Backends;
using Kiro.Balancer.Front.EventLoop;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>Gives a connection to Kestrel.</summary>
/// <param name="descriptor">The connection.</param>
/// <param name="received">What was read from it.</param>
/// <param name="key">Under what it is counted for its client.</param>
/// <param name="source">Whom it is from, when a proxy said so; else null.</param>
internal delegate void HandOver(int descriptor, byte[] received, ClientAddress? key, IPEndPoint? source);

/// <summary>A loop and what all its connections share.</summary>
internal sealed class FrontWorker
{
    /// <summary>Exchanges kept to be used again.</summary>
    private const int MaxKept = 1024;

    private const int TidyPeriod = 1000;

    private readonly Stack<FrontExchange> _kept = new();
    private readonly HandOver _handOver;
    private readonly TidyTimer _tidy;
    private readonly byte[] _clientField;
    private readonly byte[] _stickyField;
    private int _clients;

    /// <param name="loop">The loop.</param>
    /// <param name="services">The rooms.</param>
    /// <param name="own">Paths that are Kestrel's.</param>
    /// <param name="handOver">Takes connections that are Kestrel's.</param>
    public FrontWorker(FrontLoop loop, FrontServices services, OwnPaths own, HandOver handOver)
    {
        (Loop, Services, Own, _handOver) = (loop, services, own, handOver);
        Pools = new BackendPools(loop, services.Registry, services.Time);
        Date = new DateLine(services.Time);
        _clientField = Encoding.ASCII.GetBytes(services.Clients.Header.Name);
        _stickyField = Encoding.ASCII.GetBytes(services.Clients.Sticky.Field ?? "");
        RequestHead = new RequestHead(services.Limits.Value.MaxHead);
        Counters = services.Counters.Cell(loop.Index);
        _tidy = new TidyTimer(this);
    }

    public FrontLoop Loop { get; }

    public FrontServices Services { get; }

    public BackendPools Pools { get; }

    public OwnPaths Own { get; }

    public DateLine Date { get; }

    /// <summary>This loop's.</summary>
    public ForwardingCell Counters { get; }

    /// <summary>For how long a client's connection may be idle, in milliseconds.</summary>
    public long IdleTimeout => (long)Services.Listening.Value.IdleTimeout.TotalMilliseconds;

    /// <summary>The name of the field by which clients are told.</summary>
    public ReadOnlySpan<byte> ClientField => _clientField;

    /// <summary>The name of the field that tells clients apart; empty when none does.</summary>
    public ReadOnlySpan<byte> StickyField => _stickyField;

    /// <summary>What was found in the request that is being taken.</summary>
    public RequestHead RequestHead { get; }

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
    public void HandOver(int descriptor, byte[] received, ClientAddress? key, IPEndPoint? source) => _handOver(descriptor, received, key, source);

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

/// <summary>The Date of responses that have none (RFC 9110, section 6.6.1), written anew once a second.</summary>
internal sealed class DateLine(TimeProvider time)
{
    private byte[] _line = [];
    private long _second = -1;

    /// <summary>The whole line.</summary>
    public ReadOnlySpan<byte> Line
    {
        get
        {
            var now = time.GetUtcNow();
            var second = now.Ticks / TimeSpan.TicksPerSecond;
            if (second != _second)
            {
                _second = second;
                _line = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"Date: {now:R}\r\n"));
            }

            return _line;
        }
    }
}
