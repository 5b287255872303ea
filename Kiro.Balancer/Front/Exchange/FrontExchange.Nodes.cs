using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Front.Exchange;

/// <content>Which nodes it goes to, and what they are told of it.</content>
internal sealed partial class FrontExchange
{
    private void Choose()
    {
        if (_services.Chooser.First(Slot, _worker.Loop.Timestamp) is { } backend)
        {
            Enter(backend);
        }
        else
        {
            Refuse(StatusCodes.Status503ServiceUnavailable, "no node is known");
        }
    }

    // A node may have as many requests as it may have; then its next one waits for its turn.
    private void Enter(ChosenBackend backend)
    {
        if (!_services.Gates.IsOn)
        {
            Try(backend);
            return;
        }

        var entering = _services.Gates.TryEnterAsync(backend.Backend, CancellationToken.None);
        if (entering.IsCompletedSuccessfully)
        {
            OnEntered(backend, entering.Result);
        }
        else
        {
            _ = WaitAsync(entering, backend, _generation);
        }
    }

    private async Task WaitAsync(ValueTask<bool> entering, ChosenBackend backend, int generation)
    {
        var isIn = await entering.ConfigureAwait(false);
        _worker.Loop.Post(_ =>
        {
            if (generation == _generation)
            {
                OnEntered(backend, isIn);
            }
            else if (isIn)
            {
                // Nobody waits any more.
                _services.Gates.Leave(backend.Backend);
            }
        }, null);
    }

    private void OnEntered(ChosenBackend backend, bool isIn)
    {
        if (isIn)
        {
            _entered = backend.Backend;
            Try(backend);
        }
        else
        {
            Refuse(StatusCodes.Status503ServiceUnavailable, "the node has as many requests as it may have, and none ended in time");
        }
    }

    private void Leave()
    {
        _generation++;
        if (_entered is { } entered)
        {
            _entered = null;
            _services.Gates.Leave(entered);
        }
    }

    private void Try(ChosenBackend backend)
    {
        _tries++;
        _last = backend;
        var pool = _worker.Pools.Of(backend.Runtime);
        if (_hasNoHost)
        {
            var start = _outgoing.Bytes.IndexOf("\r\nHost: "u8) + 8;
            _outgoing.Replace(start, _outgoing.Bytes[start..].IndexOf((byte)'\r'), pool.Authority);
        }

        _spans.BeginTry(backend.Backend, _outgoing);
        _dialogue.Begin(pool, _isAwaited);
    }
}
