using System.Globalization;
using System.Net;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Retry;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
using Kiro.Balancer.Front.Backends;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Tls;
using Kiro.Balancer.Health.Passive;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Listening;
using Kiro.Balancer.Selection;
using Kiro.Balancer.Telemetry.Traffic;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>An event loop and what its connections share.</summary>
internal sealed class FrontWorker
{
    /// <summary>Pooled exchanges.</summary>
    private const int MaxPooled = 1024;

    private const int TidyPeriod = 1000;

    private readonly Stack<FrontExchange> _exchanges = new();
    private readonly TidyTimer _tidy;
    private readonly byte[] _clientField;
    private readonly byte[] _stickyField;
    private int _clients;
    private int _handshakes;

    /// <param name="loop">The event loop.</param>
    /// <param name="services">The services that it shares with Kestrel's path.</param>
    /// <param name="own">Paths that the balancer serves itself, through Kestrel.</param>
    /// <param name="tls">The TLS settings; null on a plain port.</param>
    /// <param name="handOver">Receives connections for Kestrel.</param>
    public FrontWorker(FrontLoop loop, FrontServices services, OwnPaths own, TlsContext? tls, Action<HandedOverConnection> handOver)
    {
        (Loop, Services, Own, Tls, HandOver) = (loop, services, own, tls, handOver);
        Pools = new BackendPools(loop, services.Registry, services.Time, services.BackendTls);
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

    /// <summary>The TLS settings; null on a plain port.</summary>
    public TlsContext? Tls { get; }

    /// <summary>Hands a connection over to Kestrel.</summary>
    public Action<HandedOverConnection> HandOver { get; }

    public DateLine Date { get; }

    /// <summary>This loop's share of the counters.</summary>
    public ForwardingCell Counters { get; }

    /// <summary>The keep-alive timeout of client connections, in milliseconds.</summary>
    public long IdleTimeout => (long)Services.Listening.Value.IdleTimeout.TotalMilliseconds;

    /// <summary>The header field that carries the client's address.</summary>
    public ReadOnlySpan<byte> ClientField => _clientField;

    /// <summary>The header field that identifies clients; empty for none.</summary>
    public ReadOnlySpan<byte> StickyField => _stickyField;

    /// <summary>The head that is being parsed, shared by all connections.</summary>
    public RequestHead RequestHead { get; }

    /// <summary>The same for responses.</summary>
    public ResponseHead ResponseHead { get; } = new();

    /// <summary>Client connections on this loop. Thread-safe.</summary>
    public int Clients => Volatile.Read(ref _clients);

    /// <summary>TLS handshakes in progress. Thread-safe.</summary>
    public int Handshakes => Volatile.Read(ref _handshakes);

    /// <summary>Shutting down: connections close after their current exchange. Used by the loop's thread only.</summary>
    public bool IsStopping { get; set; }

    /// <summary>Starts the housekeeping. On the loop's thread, once.</summary>
    public void Begin() => _tidy.Start();

    public void CountClient(int change)
    {
        Interlocked.Add(ref _clients, change);
        Services.Metrics.CountConnection(change);
    }

    public void CountHandshake(int change)
    {
        Interlocked.Add(ref _handshakes, change);
        Services.Metrics.CountHandshake(change);
    }

    public FrontExchange RentExchange() => _exchanges.TryPop(out var exchange) ? exchange : new FrontExchange(this);

    public void Return(FrontExchange exchange)
    {
        if (_exchanges.Count < MaxPooled)
        {
            _exchanges.Push(exchange);
        }
    }

    private sealed class TidyTimer(FrontWorker worker) : TimerEntry
    {
        public void Start() => worker.Loop.SetDeadline(this, worker.Loop.Now + TidyPeriod);

        internal override void OnDeadline()
        {
            worker.Pools.Tidy();
            Start();
        }
    }
}

/// <summary>The Date line for responses without one (RFC 9110, section 6.6.1), formatted once a second.</summary>
internal sealed class DateLine(TimeProvider time)
{
    private byte[] _line = [];
    private long _second = -1;

    /// <summary>The line, with CRLF.</summary>
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

/// <summary>What a request needs of the other rooms: the same services, and the same counts, as on Kestrel's path.</summary>
internal sealed record FrontServices(
    ClientResolver Clients,
    ClientCensus Census,
    ClientHash Hash,
    BackendRegistry Registry,
    BackendChooser Chooser,
    ForwardingCounters Counters,
    RetryChooser RetryChooser,
    PassiveHealth Reports,
    BackendGates Gates,
    BufferBudget BufferBudget,
    Reloadable<ForwardingTimeouts> Timeouts,
    RequestLimit Requests,
    Reloadable<LimitOptions> Limits,
    BodyLimit Bodies,
    ForwardingRules Rules,
    LoopGuard Loops,
    ClientAdmission Admission,
    ConnectionLimit Limit,
    ClientConnections PerClient,
    ProxyHeaderPolicy ProxyHeaders,
    Reloadable<ListeningOptions> Listening,
    OpenStreams Streams,
    OwnResponses Own,
    Reloadable<ErrorPage> ErrorPage,
    Drain Drain,
    BackendTls BackendTls,
    TimeProvider Time,
    FrontMetrics Metrics,
    FrontAccessLog AccessLog,
    ILogger<FrontExchange> Logger);

/// <summary>A connection that is handed over to Kestrel.</summary>
/// <param name="Descriptor">The socket.</param>
/// <param name="Received">The bytes read so far, decrypted.</param>
/// <param name="Key">Under which the connection counts toward its client's limit.</param>
/// <param name="Source">The source address from the PROXY header, or null.</param>
/// <param name="Tls">The TLS session; null on a plain connection.</param>
internal sealed record HandedOverConnection(int Descriptor, byte[] Received, ClientAddress? Key, IPEndPoint? Source, TlsSession? Tls);
