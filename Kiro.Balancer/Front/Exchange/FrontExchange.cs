using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Retry;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Health.Passive;
using Kiro.Balancer.Limits;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>
/// One request on a loop, from the parsed head to the end of the response: identifies the client, chooses a backend,
/// forwards, and retries where that is safe. Pooled: after its end it may serve another client.
/// </summary>
internal sealed partial class FrontExchange : IRetryableRequest
{
    private readonly FrontWorker _worker;
    private readonly FrontServices _services;
    private readonly OutgoingRequest _outgoing;
    private readonly RequestBodyPump _body;
    private readonly BufferedBodyReader _bufferedBody;
    private readonly ExchangeSpans _spans = new();
    private readonly BackendAttempt _attempt;
    private ClientConnection? _client;
    private RequestMethod _method;
    private RequestBody _bodyKind;
    private bool _hasNoHost;
    private bool _isAwaited;
    private bool _isLoop;
    private int _bufferedLength;
    private List<Backend>? _tried;
    private ChosenBackend? _current;
    private Backend? _gate;
    private int _generation;
    private int _attempts;
    private Client _identity;
    private byte[]? _cookieLines;
    private long _start;

    public FrontExchange(FrontWorker worker)
    {
        (_worker, _services) = (worker, worker.Services);
        _outgoing = new OutgoingRequest(worker.Loop);
        _body = new RequestBodyPump(worker.Loop, worker.Services.Bodies);
        _bufferedBody = new BufferedBodyReader(worker.Loop, _outgoing);
        _attempt = new BackendAttempt(worker, this, _outgoing, _body);
    }

    /// <summary>Not valid after the end of the exchange.</summary>
    public ClientConnection Client => _client!;

    /// <summary>Whether the client authenticates its connection (RFC 4559).</summary>
    public bool BindsConnection { get; private set; }

    public bool IsHead => _method == RequestMethod.Head;

    public bool IsHttp10 { get; private set; }

    /// <summary>Whether the client's connection closes after the response.</summary>
    public bool Closes { get; private set; }

    /// <summary>Whether the client waits for 100 Continue.</summary>
    public bool Expects { get; private set; }

    public bool IsWebSocket { get; private set; }

    /// <summary>Header field lines that set the client's cookie; usually empty.</summary>
    public ReadOnlySpan<byte> CookieLines => _cookieLines;

    /// <summary>Whether a request that may have reached a backend can be sent again.</summary>
    public bool MayBeRepeated { get; private set; }

    string IRetryableRequest.Method => _outgoing.Method;

    RequestBody IRetryableRequest.Body => _bodyKind;

    /// <summary>The client's hash slot.</summary>
    public int Slot { get; private set; }

    IReadOnlyList<Backend> IRetryableRequest.Tried => _tried ?? [];

    bool IRetryableRequest.MayHaveRun { get; set; }

    /// <summary>Whether to leave a backend that hangs; see <see cref="RetryChooser.TryFailOver"/>.</summary>
    public bool TryFailOver() => _services.RetryChooser.TryFailOver(this, _current!.Value.Backend);

    /// <summary>Starts an exchange.</summary>
    /// <param name="client">The client's connection.</param>
    /// <param name="bytes">The head and what follows it, in the loop's Input.</param>
    /// <param name="head">The parsed head.</param>
    public void Begin(ClientConnection client, Span<byte> bytes, RequestHead head)
    {
        (_client, _method, IsHttp10, Closes) = (client, head.Method, head.IsHttp10, head.Closes);
        (Expects, IsWebSocket, _hasNoHost) = (head.ExpectsContinue, head.IsWebSocket, head.Host.Length == 0);
        (_attempts, _bufferedLength, _isLoop, BindsConnection) = (0, 0, false, head.BindsConnection);
        ((IRetryableRequest)this).MayHaveRun = false;
        _start = _worker.Loop.Timestamp;
        _worker.Counters.CountRequest();
        ResolveClient(client, bytes, head);
        _body.Begin(head);
        if (head.ContentLength is > 0 and <= BufferedBody.MaxBytes and var length
            && head.IsIdempotent && !Expects && _services.BufferBudget.TryTake(length))
        {
            _bufferedLength = (int)length;
        }

        _bodyKind = head.Framing == BodyFraming.None ? RequestBody.Empty : _bufferedLength > 0 ? RequestBody.Buffered : RequestBody.Streamed;
        MayBeRepeated = head.IsIdempotent && _bodyKind != RequestBody.Streamed;
        // Uploading a long body takes as long as the client takes: the backend owes no response yet.
        _isAwaited = _bodyKind != RequestBody.Streamed || head.ContentLength <= BufferedBody.MaxBytes;
        if (_isLoop)
        {
            RefuseUnsent(StatusCodes.Status508LoopDetected, LoopGuard.Problem);
            return;
        }

        if (_services.Requests.IsOn && !_services.Requests.TryTake(_services.Hash.Key(_identity.Address), out var retryAfter))
        {
            RefuseUnsent(StatusCodes.Status429TooManyRequests, RequestLimit.Problem, retryAfter);
            return;
        }

        if (_services.Bodies.Refuses(head.ContentLength))
        {
            RefuseUnsent(StatusCodes.Status413PayloadTooLarge, BodyLimit.Problem);
            return;
        }

        BuildRequest(bytes, head);
    }

    /// <summary>The client's connection is readable or writable.</summary>
    public void OnClientReady()
    {
        if (!_bufferedBody.IsComplete)
        {
            ReadBufferedBody();
        }
        else
        {
            _attempt.OnClientReady();
        }
    }

    /// <summary>The client is gone: nobody waits for the response, and the backend is not to blame.</summary>
    public void OnClientGone()
    {
        _attempt.Close();
        // nginx's status for it.
        End(_attempt.HasStarted ? _attempt.Status : StatusCodes.Status499ClientClosedRequest);
    }

    /// <summary>The deadline of the client's connection has passed.</summary>
    public void OnClientDeadline()
    {
        if (!_bufferedBody.IsComplete)
        {
            FailClient(StatusCodes.Status408RequestTimeout, "the request body did not arrive in time");
        }
        else
        {
            _attempt.OnClientDeadline();
        }
    }

    /// <summary>The response is complete.</summary>
    public void Finish()
    {
        PassiveHealth.Responded(_current!.Value.Runtime);
        var (client, isComplete) = (Client, _body.State == BodyState.Complete);
        var closes = _attempt.ClosesClient || !isComplete;
        End(_attempt.Status);
        client.EndExchange(closes, linger: !isComplete);
    }

    private void Choose()
    {
        if (_services.Chooser.First(Slot, _worker.Loop.Timestamp) is { } backend)
        {
            EnterGate(backend);
        }
        else
        {
            Refuse(StatusCodes.Status503ServiceUnavailable, "no node is known");
        }
    }

    // A backend at its request limit makes the request wait for a free slot.
    private void EnterGate(ChosenBackend backend)
    {
        if (!_services.Gates.IsOn)
        {
            SendTo(backend);
            return;
        }

        var entry = _services.Gates.TryEnterAsync(backend.Backend, CancellationToken.None);
        if (entry.IsCompletedSuccessfully)
        {
            OnGateEntered(backend, entry.Result);
        }
        else
        {
            _ = WaitForGateAsync(entry, backend, _generation);
        }
    }

    private async Task WaitForGateAsync(ValueTask<bool> entry, ChosenBackend backend, int generation)
    {
        var hasEntered = await entry.ConfigureAwait(false);
        _worker.Loop.Post(_ =>
        {
            if (generation == _generation)
            {
                OnGateEntered(backend, hasEntered);
            }
            else if (hasEntered)
            {
                // The exchange is over.
                _services.Gates.Leave(backend.Backend);
            }
        }, null);
    }

    private void OnGateEntered(ChosenBackend backend, bool hasEntered)
    {
        if (hasEntered)
        {
            _gate = backend.Backend;
            SendTo(backend);
        }
        else
        {
            Refuse(StatusCodes.Status503ServiceUnavailable, "the node is at its request limit, and no slot became free in time");
        }
    }

    private void LeaveGate()
    {
        _generation++;
        if (_gate is { } gate)
        {
            _gate = null;
            _services.Gates.Leave(gate);
        }
    }

    private void SendTo(ChosenBackend backend)
    {
        _attempts++;
        _current = backend;
        var pool = _worker.Pools.Of(backend.Runtime);
        if (_hasNoHost)
        {
            var start = _outgoing.Bytes.IndexOf("\r\nHost: "u8) + 8;
            _outgoing.Replace(start, _outgoing.Bytes[start..].IndexOf((byte)'\r'), pool.Authority);
        }

        _spans.BeginAttempt(backend.Backend, _outgoing);
        _attempt.Begin(pool, _isAwaited);
    }

    // The exchange goes back to the pool: callers must have read what they need.
    private void End(int status)
    {
        var duration = _services.Time.GetElapsedTime(_start);
        _services.Metrics.Record(duration, _method, status, IsHttp10, _client!.IsSecure);
        _spans.End(status);
        if (_services.AccessLog.IsOn)
        {
            long? bytes = IsHead || status is StatusCodes.Status204NoContent or StatusCodes.Status304NotModified ? 0
                : _attempt.HasStarted ? _attempt.ContentLength : null;
            _services.AccessLog.Write(_identity.Address, _outgoing.Method, _outgoing.Path, status, bytes, duration, _current?.Known, _attempts);
        }

        if (_bufferedLength > 0)
        {
            _services.BufferBudget.Return(_bufferedLength);
            _bufferedBody.End();
        }

        if (_current is { } current)
        {
            _services.Chooser.End(Slot, current.Known, _worker.Loop.Timestamp);
        }

        LeaveGate();
        _outgoing.Release();
        _tried?.Clear();
        _current = null;
        _client.ClearDeadline();
        _client = null;
        _attempt.Reset();
        _worker.Return(this);
    }
}
