using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Kiro.Balancer.Backends;
using Kiro.Balancer.State;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening.Takeover;

/// <summary>
/// <c>--takeover</c>: takes the ports over from the process that serves them, in the order in which nothing is lost. It gets
/// the sockets, probes the nodes, then Kestrel and the loops begin to accept, and only then the older process is told to stop
/// accepting. Whatever fails before that ends this process and leaves the older one as it is.
/// </summary>
internal sealed partial class TakeoverClient(
    ListenPort listen, ListenSockets sockets, BalancerState state, StateFile file, StateChanges changes, BackendRegistry registry,
    TimeProvider time, ILogger<TakeoverClient> logger, IHandoverData? sessions = null) : IHostedLifecycleService, IDisposable
{
    /// <summary>For the first probes, and for each response of the older process.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private TakeoverChannel? _older;
    private bool _handsAllOver = true;
    private int _process;

    // Before anything begins: the nodes are to be known as the older process knows them.
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        if (!await ConnectAsync(either.Token))
        {
            Nobody(logger, listen.Port);
            return;
        }

        file.LeaveToAnother(true);
        if (await ReceiveAsync(TakeoverServer.Hello, either.Token))
        {
            return;
        }

        // It may be of an older version.
        _older?.Dispose();
        _handsAllOver = false;
        if (!await ConnectAsync(either.Token) || !await ReceiveAsync(TakeoverServer.HelloSockets, either.Token))
        {
            throw new StartRefusedException([$"--takeover: process {_process}, which serves {listen.Variable}={listen.Port}, does not hand its sockets over. It goes on as before."]);
        }

        SocketsOnly(logger, _process);
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_older is not null)
        {
            using var limit = new CancellationTokenSource(Patience, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            await ProbedAsync(either.Token);
        }
    }

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        // What the older process listened on, and this one does not.
        sockets.CloseUnclaimed();
        if (_older is null)
        {
            return;
        }

        using var limit = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await _older.SendAsync(TakeoverServer.Ready, [], either.Token);
            if (!await LeavesAsync(_older, either.Token) || !await ReceiveKnowledgeAsync(state.CatchUp, either.Token))
            {
                Lost(logger, _process);
            }
            else
            {
                Took(logger, _process);
            }
        }
        catch (Exception problem) when (problem is SocketException or JsonException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // It is gone, or will go on accepting beside this one; either way this one serves.
            Lost(logger, _process);
        }

        _older.Dispose();
        // The older process does not write it any more.
        file.LeaveToAnother(false);
        changes.Note();
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _older?.Dispose();

    private async Task<bool> ConnectAsync(CancellationToken cancellationToken)
    {
        if (await ControlSocket.ConnectAsync(listen, cancellationToken) is not { } socket)
        {
            return false;
        }

        _older = new TakeoverChannel(socket);
        if (ControlSocket.PeerOf(socket) is not { } process)
        {
            throw new StartRefusedException([$"--takeover: the process that serves {listen.Variable}={listen.Port} is another user's."]);
        }

        _process = process;
        return true;
    }

    // One of the first version may have sent its state under the same name, which nobody has taken yet.
    private static async Task<bool> LeavesAsync(TakeoverChannel older, CancellationToken cancellationToken)
    {
        while (await older.ReceiveAsync([], cancellationToken) is { } message)
        {
            if (message.AsSpan().SequenceEqual(TakeoverServer.Leaving.Span))
            {
                return true;
            }
        }

        return false;
    }

    // Not one request before it is known who can serve it.
    private async Task ProbedAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (registry.Current.Backends is var nodes
                && (nodes.Any(node => node.Health.LastCheck is null) || !nodes.Any(node => node.State == BackendState.Up)))
            {
                await Task.Delay(Look, time, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // As good as it gets; or the start is called off, which shows below.
        }

        var all = registry.Current.Backends;
        if (!all.Any(node => node.State == BackendState.Up))
        {
            throw new StartRefusedException([$"--takeover: none of {all.Count} nodes is up here, so process {_process} goes on as before. {all.Select(node => $"{node.Id}: {node.Health.Reason}").FirstOrDefault()}".TrimEnd()]);
        }
    }

    [LoggerMessage(73, LogLevel.Information, "Took over the port from process {Process}")]
    private static partial void Took(ILogger logger, int process);

    [LoggerMessage(74, LogLevel.Warning, "Process {Process} handed over the port but did not confirm that it is leaving")]
    private static partial void Lost(ILogger logger, int process);

    [LoggerMessage(79, LogLevel.Warning, "Process {Process} is of an older version and hands over its sockets only: admin actions have to be given again, and sessions begin anew")]
    private static partial void SocketsOnly(ILogger logger, int process);

    [LoggerMessage(75, LogLevel.Information, "--takeover: no process is serving port {Port}, so this is a normal start")]
    private static partial void Nobody(ILogger logger, int port);

    private async Task<bool> ReceiveAsync(ReadOnlyMemory<byte> hello, CancellationToken cancellationToken)
    {
        var descriptors = new List<int>();
        try
        {
            await _older!.SendAsync(hello, [], cancellationToken);
            if (await _older.ReceiveAsync(descriptors, cancellationToken) is not { } addresses)
            {
                return false;
            }

            foreach (var (address, descriptor) in Encoding.UTF8.GetString(addresses).Split('\n', StringSplitOptions.RemoveEmptyEntries).Zip(descriptors))
            {
                sockets.Inherit(IPEndPoint.Parse(address), descriptor);
            }

            return await ReceiveKnowledgeAsync(TakeKnowledge, cancellationToken);
        }
        catch (Exception problem) when (problem is SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <returns>False when the older process went away in the middle of it.</returns>
    private async Task<bool> ReceiveKnowledgeAsync(Action<ReadOnlyMemory<byte>> take, CancellationToken cancellationToken)
    {
        if (!_handsAllOver)
        {
            return true;
        }

        if (await _older!.ReceiveAsync([], cancellationToken) is not { } known)
        {
            return false;
        }

        take(known);
        while (true)
        {
            switch (await _older.ReceiveAsync([], cancellationToken))
            {
                case null:
                    return false;
                case []:
                    return true;
                case var part:
                    TakeSessions(part);
                    break;
            }
        }
    }

    private void TakeSessions(byte[] part)
    {
        try
        {
            sessions?.Take(part);
        }
        catch (FormatException)
        {
            // Of a version that says it in another way: this one begins without.
        }
    }

    private void TakeKnowledge(ReadOnlyMemory<byte> known)
    {
        try
        {
            state.Read(known);
        }
        catch (InvalidDataException problem)
        {
            // Its sockets are what matters.
            NotUnderstood(logger, _process, problem.Message.ReplaceLineEndings(" "));
        }
    }

    [LoggerMessage(77, LogLevel.Warning, "The state of process {Process}, admin actions included, cannot be read: {Problem}")]
    private static partial void NotUnderstood(ILogger logger, int process, string problem);
}
