using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Front.Exchange;

/// <content>Retries and error responses.</content>
internal sealed partial class FrontExchange
{
    /// <summary>The attempt failed: retries on another backend, or sends an error response.</summary>
    public void Fail(RequestFailure failure)
    {
        var current = _current!.Value;
        failure.ReportTo(_services.Reports, current.Runtime);

        if (_attempt.HasStarted)
        {
            // The client must be able to tell that the response is incomplete.
            var (client, byReset) = (Client, _attempt.IsCloseDelimited);
            Log(current.Known, _attempt.Status, failure.Problem);
            End(_attempt.Status);
            client.AbortResponse(byReset);
            return;
        }

        (_tried ??= []).Add(current.Backend);
        if (_services.RetryChooser.Next(this, failure) is { } next)
        {
            _services.Logger.Retrying(_outgoing.Method, _outgoing.Path, current.Known, failure.Problem);
            _worker.Counters.CountRetry();
            current.Runtime.Traffic.CountRetry();
            LeaveGate();
            EnterGate(next);
            return;
        }

        Log(current.Known, failure.Status, failure.Problem);
        Refuse(failure.Status, failure.IsBackendFault ? _services.Chooser.Explain(failure.Problem) : failure.Problem);
    }

    private void RefuseUnsent(int status, string problem, int? retryAfter = null)
    {
        _outgoing.Begin(0);
        Refuse(status, problem, retryAfter);
    }

    /// <summary>Rejects an invalid request body.</summary>
    public void FailClient(BodyFault fault)
    {
        var (status, problem) = fault switch
        {
            BodyFault.TooLarge => (StatusCodes.Status413PayloadTooLarge, BodyLimit.Problem),
            BodyFault.Invalid => (StatusCodes.Status400BadRequest, "the request body has invalid chunks"),
            _ => (StatusCodes.Status400BadRequest, "the request body is incomplete or malformed"),
        };
        FailClient(status, problem);
    }

    /// <summary>Rejects an invalid request.</summary>
    public void FailClient(int status, string problem)
    {
        var (client, hasStarted) = (Client, _attempt.HasStarted);
        _attempt.Close();
        if (!hasStarted)
        {
            _worker.Counters.CountError();
            _services.Own.Record(status);
            client.SendError(status, problem, IsHead, closes: true);
        }

        End(status);
        client.EndExchange(closes: true, linger: true);
    }

    private void Refuse(int status, string problem, int? retryAfter = null)
    {
        _worker.Counters.CountError();
        _services.Own.Record(status);
        var client = Client;
        var isComplete = _body.State == BodyState.Complete;
        client.SendError(status, problem, IsHead, closes: Closes || !isComplete, _outgoing.Accept, retryAfter);
        var closes = Closes || !isComplete || _services.Drain.IsDraining;
        End(status);
        client.EndExchange(closes, linger: !isComplete);
    }

    private void Log(KnownBackend backend, int status, string problem) =>
        _services.Logger.RequestFailed(_outgoing.Method, _outgoing.Path, backend, status, problem);
}
