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
        var last = _last!.Value;
        failure.ReportTo(_services.Reports, last.Runtime);

        if (_dialogue.HasStarted)
        {
            // The client must be able to tell that the response is incomplete.
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
        Refuse(failure.Status, failure.IsBackendFault ? _services.Chooser.Explain(failure.Problem) : failure.Problem);
    }

    /// <summary>Rejects an invalid request body.</summary>
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

    /// <summary>Rejects an invalid request.</summary>
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

    private void Log(KnownBackend backend, int status, string problem) =>
        _services.Logger.RequestFailed(_outgoing.Method, _outgoing.Path, backend, status, problem);
}
