using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Health.Passive;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Front.Exchange;

/// <content>How a request ends: the next node gets it, or the client a response of the balancer's own, and everybody is told.</content>
internal sealed partial class FrontExchange
{
    /// <summary>The try failed: the next node gets the request, or the client learns of it.</summary>
    public void Fail(RequestFailure failure)
    {
        var last = _last!.Value;
        failure.ReportTo(_services.Reports, last.Runtime);

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
        Refuse(failure.Status, failure.IsBackendFault ? _services.Chooser.Explain(failure.Problem) : failure.Problem);
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
        _services.Metrics.Record(_services.Time.GetElapsedTime(_began), _method, status, IsHttp10, _client!.IsSecure);
        _spans.End(status);
        if (_services.AccessLog.IsOn)
        {
            var bytes = IsHead || status is StatusCodes.Status204NoContent or StatusCodes.Status304NotModified ? 0 : _dialogue.HasStarted ? _dialogue.ContentLength : null;
            _services.AccessLog.Write(_who.Address, _outgoing.Method, _outgoing.Path, status, bytes, _services.Time.GetElapsedTime(_began), _last?.Known, _tries);
        }

        if (_keptLength > 0)
        {
            _services.BufferBudget.Return(_keptLength);
            _keeper.End();
        }

        if (_last is { } last)
        {
            _services.Chooser.End(Slot, last.Known, _worker.Loop.Timestamp);
        }

        Leave();
        _outgoing.Release();
        _tried?.Clear();
        _last = null;
        _client.ClearDeadline();
        _client = null;
        _dialogue.Forget();
        _worker.Return(this);
    }

    private void Log(KnownBackend backend, int status, string problem) =>
        _services.Logger.RequestFailed(_outgoing.Method, _outgoing.Path, backend, status, problem);
}
