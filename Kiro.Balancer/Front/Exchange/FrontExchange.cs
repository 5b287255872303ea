using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Retry;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Health.Passive;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>
/// The way of a request on a loop: who calls, which slot, which node; send it, and try the next one if that is safe. Used
/// again for other requests, of other clients, too: once it is over, it must not be touched any more.
/// </summary>
internal sealed partial class FrontExchange : ITried
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

    string ITried.Method => _outgoing.Method;

    RequestBody ITried.Body => _bodyKind;

    /// <summary>The client's slot.</summary>
    public int Slot { get; private set; }

    IReadOnlyList<Backend> ITried.Tried => _tried ?? [];

    bool ITried.MayHaveRun { get; set; }

    /// <summary>Whether it may leave the node that it waits for; see <see cref="RetryChooser.TryLeave"/>.</summary>
    public bool TryLeave() => _services.RetryChooser.TryLeave(this, _last!.Value.Backend);

    /// <summary>Takes a request.</summary>
    /// <param name="client">Who sent it.</param>
    /// <param name="bytes">What was received, in the loop's Input.</param>
    /// <param name="head">What was found in it.</param>
    public void Begin(ClientConnection client, Span<byte> bytes, RequestHead head)
    {
        (_client, _method, IsHttp10, Closes) = (client, head.Method, head.IsHttp10, head.Closes);
        (Expects, IsWebSocket, _hasNoHost) = (head.ExpectsContinue, head.IsWebSocket, head.Host.Length == 0);
        (_tries, _keptLength, _isLoop, BindsConnection) = (0, 0, false, head.BindsConnection);
        ((ITried)this).MayHaveRun = false;
        _began = _worker.Loop.Timestamp;
        _worker.Counters.Request();
        Resolve(client, bytes, head);
        _body.Begin(head);
        if (head.ContentLength is > 0 and <= KeptBody.MaxBytes and var length && head.IsIdempotent && !Expects && _services.KeptBytes.TryTake(length))
        {
            _keptLength = (int)length;
        }

        _bodyKind = head.Framing == BodyFraming.None ? RequestBody.Empty : _keptLength > 0 ? RequestBody.Kept : RequestBody.Streamed;
        MayBeRepeated = head.IsIdempotent && _bodyKind != RequestBody.Streamed;
        // A long body may take the client's time: as long as it comes, the node owes nothing.
        _isAwaited = _bodyKind != RequestBody.Streamed || head.ContentLength <= KeptBody.MaxBytes;
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

    /// <summary>The try failed: the next node gets the request, or the client learns of it.</summary>
    public void Fail(RequestFailure failure)
    {
        var last = _last!.Value;
        Report(last.Runtime, failure);

        if (_dialogue.HasStarted)
        {
            // The client has part of the response already and sees that it breaks off.
            var (client, byReset) = (Client, _dialogue.EndsWithConnection);
            Log(last.Known, _dialogue.Status, failure.Problem);
            End(_dialogue.Status);
            client.BreakOff(byReset);
            return;
        }

        (_tried ??= []).Add(last.Backend);
        if (_services.RetryChooser.Next(this, failure) is { } next)
        {
            _services.Logger.Retrying(_outgoing.Method, _outgoing.Path, last.Known, failure.Problem);
            _worker.Counters.Retry();
            last.Runtime.Traffic.Retry();
            Leave();
            Enter(next);
            return;
        }

        Log(last.Known, failure.Status, failure.Problem);
        Refuse(failure.Status, failure.Problem);
    }

    /// <summary>The client's body is wrong: its own fault.</summary>
    public void FailClient(BodyFault fault)
    {
        var (status, problem) = fault switch
        {
            BodyFault.TooLong => (StatusCodes.Status413PayloadTooLarge, BodyLimit.Problem),
            BodyFault.Invalid => (StatusCodes.Status400BadRequest, "the body is not in valid chunks"),
            _ => (StatusCodes.Status400BadRequest, "the body is not what was announced"),
        };
        FailClient(status, problem);
    }

    /// <summary>What the client sends is wrong: its own fault.</summary>
    public void FailClient(int status, string problem)
    {
        var (client, hasStarted) = (Client, _dialogue.HasStarted);
        _dialogue.Close();
        if (!hasStarted)
        {
            _worker.Counters.Error();
            _services.Own.Record(status);
            client.SendError(status, problem, IsHead, closes: true);
        }

        End(status);
        client.EndExchange(closes: true, linger: true);
    }

    /// <summary>The client has, or will get, the whole response.</summary>
    public void Finish()
    {
        FailureReports.Responded(_last!.Value.Runtime);
        var (client, isComplete) = (Client, _body.State == BodyState.Complete);
        var closes = _dialogue.ClosesClient || !isComplete;
        End(_dialogue.Status);
        client.EndExchange(closes, linger: !isComplete);
    }

    private void Refuse(int status, string problem, int? retryAfter = null)
    {
        _worker.Counters.Error();
        _services.Own.Record(status);
        var client = Client;
        var isComplete = _body.State == BodyState.Complete;
        client.SendError(status, problem, IsHead, closes: Closes || !isComplete, _outgoing.Accept, retryAfter);
        var closes = Closes || !isComplete || _services.Drain.IsDraining;
        End(status);
        client.EndExchange(closes, linger: !isComplete);
    }

    // What follows belongs to nobody any more: the caller has taken what it needs of the client's end.
    private void End(int status)
    {
        _services.Metrics.Record(_services.Time.GetElapsedTime(_began), _method, status, IsHttp10);
        _spans.End(status);
        if (_services.AccessLog.IsOn)
        {
            var bytes = IsHead || status is StatusCodes.Status204NoContent or StatusCodes.Status304NotModified ? 0 : _dialogue.HasStarted ? _dialogue.ContentLength : null;
            _services.AccessLog.Write(_who.Address, _outgoing.Method, _outgoing.Path, status, bytes, _services.Time.GetElapsedTime(_began), _last?.Known, _tries);
        }

        if (_keptLength > 0)
        {
            _services.KeptBytes.Return(_keptLength);
            _keeper.End();
        }

        if (_last is { } last)
        {
            _services.Chooser.End(Slot, last.Known);
        }

        Leave();
        _outgoing.Release();
        _tried?.Clear();
        _last = null;
        _client!.ClearDeadline();
        _client = null;
        _dialogue.Forget();
        _worker.Return(this);
    }

    private void Log(KnownBackend backend, int status, string problem) =>
        _services.Logger.RequestFailed(_outgoing.Method, _outgoing.Path, backend, status, problem);
}
