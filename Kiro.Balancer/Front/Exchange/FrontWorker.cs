using System.Globalization;
using System.Net;
using System.Text;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Front.Backends;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Tls;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>A connection that Kestrel gets.</summary>
/// <param name="Descriptor">The connection.</param>
/// <param name="Received">What was read from it.</param>
/// <param name="Key">Under what it is counted for its client.</param>
/// <param name="Source">Whom it is from, when a proxy said so; else null.</param>
/// <param name="Tls">What it is enciphered by; null for a plain one.</param>
internal sealed record HandedOver(int Descriptor, byte[] Received, ClientAddress? Key, IPEndPoint? Source, TlsSession? Tls);

/// <summary>A loop and what all its connections share.</summary>
internal sealed class FrontWorker
{
    /// <summary>Exchanges kept to be used again.</summary>
    private const int MaxKept = 1024;

    private const int TidyPeriod = 1000;

    private readonly Stack<FrontExchange> _kept = new();
    private readonly Action<HandedOver> _handOver;
    private readonly TidyTimer _tidy;
    private readonly byte[] _clientField;
    private readonly byte[] _stickyField;
    private int _clients;
    private int _handshakes;

    /// <param name="loop">The loop.</param>
    /// <param name="services">The rooms.</param>
    /// <param name="own">Paths that are Kestrel's.</param>
    /// <param name="terms">What clients are shown by TLS; null on a plain port.</param>
    /// <param name="handOver">Takes connections that are Kestrel's.</param>
    public FrontWorker(FrontLoop loop, FrontServices services, OwnPaths own, TlsTerms? terms, Action<HandedOver> handOver)
    {
        (Loop, Services, Own, Terms, _handOver) = (loop, services, own, terms, handOver);
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

    /// <summary>What clients are shown by TLS; null on a plain port.</summary>
    public TlsTerms? Terms { get; }

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

    /// <summary>Handshakes that are under way. From any thread.</summary>
    public int Handshakes => Volatile.Read(ref _handshakes);

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

    public void CountHandshake(int change)
    {
        Interlocked.Add(ref _handshakes, change);
        Services.Metrics.CountHandshake(change);
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
    public void HandOver(HandedOver connection) => _handOver(connection);

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
