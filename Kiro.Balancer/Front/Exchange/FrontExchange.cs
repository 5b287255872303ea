using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Retry;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Limits;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>
/// The way of a request on a loop: who calls, which slot, which node; send it, and try the next one if that is safe. Used
/// again for other requests, of other clients, too: once it is over, it must not be touched any more.
/// </summary>
internal sealed partial class FrontExchange : IRetryableRequest
{
    private readonly FrontWorker _worker;
    private readonly FrontServices _services;
    private readonly OutgoingRequest _outgoing;
    private readonly RequestPump _body;
    private readonly KeptBodyPump _keeper;
    private readonly ExchangeSpans _spans = new();
    private readonly BackendDialogue _dialogue;
    private ClientConnection? _client;
    private RequestMethod _method;
    private RequestBody _bodyKind;
    private bool _hasNoHost;
    private bool _isAwaited;
    private bool _isLoop;
    private int _keptLength;
    private List<Backend>? _tried;
    private ChosenBackend? _last;
    private Backend? _entered;
    private int _generation;
    private int _tries;
    private Client _who;
    private byte[]? _cookieLines;
    private long _began;

    public FrontExchange(FrontWorker worker)
    {
        (_worker, _services) = (worker, worker.Services);
        _outgoing = new OutgoingRequest(worker.Loop);
        _body = new RequestPump(worker.Loop, worker.Services.Bodies);
        _keeper = new KeptBodyPump(worker.Loop, _outgoing);
        _dialogue = new BackendDialogue(worker, this, _outgoing, _body);
    }

    /// <summary>The client's end. Not to be asked for when the exchange is over.</summary>
    public ClientConnection Client => _client!;

    /// <summary>Whether the client logs in on the connection itself (RFC 4559).</summary>
    public bool BindsConnection { get; private set; }

    public bool IsHead => _method == RequestMethod.Head;

    public bool IsHttp10 { get; private set; }

    /// <summary>Whether the client's connection ends with the response.</summary>
    public bool Closes { get; private set; }

    /// <summary>Whether the client waits for "100 Continue".</summary>
    public bool Expects { get; private set; }

    public bool IsWebSocket { get; private set; }

    /// <summary>What a response of a node says besides, for a client that gets its cookie; else empty.</summary>
    public ReadOnlySpan<byte> CookieLines => _cookieLines;

    /// <summary>The node cannot tell a second sending from a second request.</summary>
    public bool MayBeRepeated { get; private set; }

    string IRetryableRequest.Method => _outgoing.Method;

    RequestBody IRetryableRequest.Body => _bodyKind;

    /// <summary>The client's slot.</summary>
    public int Slot { get; private set; }

    IReadOnlyList<Backend> IRetryableRequest.Tried => _tried ?? [];

    bool IRetryableRequest.MayHaveRun { get; set; }

    /// <summary>Whether it may leave the node that it waits for; see <see cref="RetryChooser.TryFailOver"/>.</summary>
    public bool TryFailOver() => _services.RetryChooser.TryFailOver(this, _last!.Value.Backend);

    /// <summary>Takes a request.</summary>
    /// <param name="client">Who sent it.</param>
    /// <param name="bytes">What was received, in the loop's Input.</param>
    /// <param name="head">What was found in it.</param>
    public void Begin(ClientConnection client, Span<byte> bytes, RequestHead head)
    {
        (_client, _method, IsHttp10, Closes) = (client, head.Method, head.IsHttp10, head.Closes);
        (Expects, IsWebSocket, _hasNoHost) = (head.ExpectsContinue, head.IsWebSocket, head.Host.Length == 0);
        (_tries, _keptLength, _isLoop, BindsConnection) = (0, 0, false, head.BindsConnection);
        ((IRetryableRequest)this).MayHaveRun = false;
        _began = _worker.Loop.Timestamp;
        _worker.Counters.Request();
        Resolve(client, bytes, head);
        _body.Begin(head);
        if (head.ContentLength is > 0 and <= BufferedBody.MaxBytes and var length && head.IsIdempotent && !Expects && _services.BufferBudget.TryTake(length))
        {
            _keptLength = (int)length;
        }

        _bodyKind = head.Framing == BodyFraming.None ? RequestBody.Empty : _keptLength > 0 ? RequestBody.Buffered : RequestBody.Streamed;
        MayBeRepeated = head.IsIdempotent && _bodyKind != RequestBody.Streamed;
        // A long body may take the client's time: as long as it comes, the node owes nothing.
        _isAwaited = _bodyKind != RequestBody.Streamed || head.ContentLength <= BufferedBody.MaxBytes;
        if (_isLoop)
        {
            _outgoing.Begin(0);
            Refuse(StatusCodes.Status508LoopDetected, LoopGuard.Problem);
            return;
        }

        if (_services.Requests.IsOn && !_services.Requests.TryTake(_services.Hash.Key(_who.Address), out var retryAfter))
        {
            _outgoing.Begin(0);
            Refuse(StatusCodes.Status429TooManyRequests, RequestLimit.Problem, retryAfter);
            return;
        }

        if (_services.Bodies.Refuses(head.ContentLength))
        {
            _outgoing.Begin(0);
            Refuse(StatusCodes.Status413PayloadTooLarge, BodyLimit.Problem);
            return;
        }

        WriteAndChoose(bytes, head);
    }

    /// <summary>The client has sent something, or has room for more.</summary>
    public void OnClientReady()
    {
        if (!_keeper.IsComplete)
        {
            GoOnKeeping();
        }
        else
        {
            _dialogue.OnClientReady();
        }
    }

    /// <summary>The client has left: nobody waits for the response, and no node is to blame.</summary>
    public void OnClientGone()
    {
        _dialogue.Close();
        // nginx's number for a client that did not wait.
        End(_dialogue.HasStarted ? _dialogue.Status : StatusCodes.Status499ClientClosedRequest);
    }

    /// <summary>The time is over that the client's end had.</summary>
    public void OnClientDeadline()
    {
        if (!_keeper.IsComplete)
        {
            FailClient(StatusCodes.Status408RequestTimeout, "the body did not come in time");
        }
        else
        {
            _dialogue.OnClientDeadline();
        }
    }
}
