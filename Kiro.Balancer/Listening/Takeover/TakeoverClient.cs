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
/// <c>--takeover</c>: takes over the ports of a running process without losing a connection. It gets the sockets, probes the backends, starts to
/// accept, and only then tells the older process to stop accepting. If anything fails before that, this process exits and the older one continues.
/// </summary>
internal sealed partial class TakeoverClient(
    ListenPort listen, ListenSockets sockets, BalancerState state, StateFile file, StateChanges changes, BackendRegistry registry,
    TimeProvider time, ILogger<TakeoverClient> logger, IHandoverData? sessions = null) : IHostedLifecycleService, IDisposable
{
    /// <summary>For the first probes, and for each response of the older process.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    private TakeoverChannel? _older;
    private bool _transfersState = true;
    private int _process;

    // Before other services start, so that they begin with the older process's view of the backends.
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        if (!await ConnectAsync(either.Token))
        {
            LogNothingToTakeOver(logger, listen.Port);
            return;
        }

        file.SetHandedOver(true);
        if (await ReceiveAsync(TakeoverServer.Hello, either.Token))
        {
            return;
        }

        // It may be an older version.
        _older?.Dispose();
        _transfersState = false;
        if (!await ConnectAsync(either.Token) || !await ReceiveAsync(TakeoverServer.HelloSockets, either.Token))
        {
            throw new StartRefusedException([$"--takeover: process {_process}, which serves {listen.Variable}={listen.Port}, does not hand over its sockets and keeps serving."]);
        }

        LogSocketsOnly(logger, _process);
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_older is not null)
        {
            using var limit = new CancellationTokenSource(Timeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            await WaitForProbesAsync(either.Token);
        }
    }

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        // Listened on by the older process only.
        sockets.CloseUnclaimed();
        if (_older is null)
        {
            return;
        }

        using var limit = new CancellationTokenSource(Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await _older.SendAsync(TakeoverServer.Ready, [], either.Token);
            if (!await WaitForLeavingAsync(_older, either.Token) || !await ReceiveStateAsync(state.CatchUp, either.Token))
            {
                LogNotConfirmed(logger, _process);
            }
            else
            {
                LogTookOver(logger, _process);
            }
        }
        catch (Exception problem) when (problem is SocketException or JsonException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // The older process is gone or keeps accepting; either way this one serves.
            LogNotConfirmed(logger, _process);
        }

        _older.Dispose();
        // The older process no longer writes the state file.
        file.SetHandedOver(false);
        changes.MarkChanged();
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
            throw new StartRefusedException([$"--takeover: the process that serves {listen.Variable}={listen.Port} belongs to another user."]);
        }

        _process = process;
        return true;
    }

    // Version 1 may have sent its state before, which has not been read.
    private static async Task<bool> WaitForLeavingAsync(TakeoverChannel older, CancellationToken cancellationToken)
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

    // Accept nothing before it is known which backends can serve.
    private async Task WaitForProbesAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (registry.Current.Backends is var nodes
                && (nodes.Any(node => node.Health.LastCheck is null) || !nodes.Any(node => node.State == BackendState.Up)))
            {
                await Task.Delay(PollInterval, time, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // Timed out, or the start was cancelled.
        }

        var all = registry.Current.Backends;
        if (!all.Any(node => node.State == BackendState.Up))
        {
            throw new StartRefusedException([$"--takeover: none of {all.Count} nodes is up here, so process {_process} keeps serving. {all.Select(node => $"{node.Id}: {node.Health.Reason}").FirstOrDefault()}".TrimEnd()]);
        }
    }

    [LoggerMessage(73, LogLevel.Information, "Took over the port from process {Process}")]
    private static partial void LogTookOver(ILogger logger, int process);

    [LoggerMessage(74, LogLevel.Warning, "Process {Process} handed over the port but did not confirm that it is leaving")]
    private static partial void LogNotConfirmed(ILogger logger, int process);

    [LoggerMessage(79, LogLevel.Warning, "Process {Process} is an older version and hands over its sockets only: admin actions must be repeated, and sessions start over")]
    private static partial void LogSocketsOnly(ILogger logger, int process);

    [LoggerMessage(75, LogLevel.Information, "--takeover: no process is serving port {Port}, so this is a normal start")]
    private static partial void LogNothingToTakeOver(ILogger logger, int port);

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

            return await ReceiveStateAsync(ReadState, cancellationToken);
        }
        catch (Exception problem) when (problem is SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <returns>False if the older process has disconnected.</returns>
    private async Task<bool> ReceiveStateAsync(Action<ReadOnlyMemory<byte>> take, CancellationToken cancellationToken)
    {
        if (!_transfersState)
        {
            return true;
        }

        if (await _older!.ReceiveAsync([], cancellationToken) is not { } saved)
        {
            return false;
        }

        take(saved);
        while (true)
        {
            switch (await _older.ReceiveAsync([], cancellationToken))
            {
                case null:
                    return false;
                case []:
                    return true;
                case var part:
                    ReadSessions(part);
                    break;
            }
        }
    }

    private void ReadSessions(byte[] part)
    {
        try
        {
            sessions?.Take(part);
        }
        catch (FormatException)
        {
            // Of another version: start without sessions.
        }
    }

    private void ReadState(ReadOnlyMemory<byte> saved)
    {
        try
        {
            state.Read(saved);
        }
        catch (InvalidDataException problem)
        {
            // The sockets matter more than the state.
            LogStateUnreadable(logger, _process, problem.Message.ReplaceLineEndings(" "));
        }
    }

    [LoggerMessage(77, LogLevel.Warning, "The state of process {Process}, admin actions included, cannot be read: {Problem}")]
    private static partial void LogStateUnreadable(ILogger logger, int process, string problem);
}
