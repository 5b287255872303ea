using System.Net.Sockets;
using System.Text;
using Kiro.Balancer.State;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening.Takeover;

/// <summary>
/// Hands the ports over to a newer process. It gets the listening sockets with their accept queues, so the ports are never closed: both processes
/// accept until the newer one is ready, then this one stops accepting and drains. If the newer process fails before that, nothing changes.
/// </summary>
internal sealed partial class TakeoverServer(
    ListenPort listen, ListenSockets sockets, BalancerState state, StateFile file, Drain drain, IHostApplicationLifetime lifetime, TimeProvider time,
    ILogger<TakeoverServer> logger, IHandoverData? sessions = null) : IHostedLifecycleService, IDisposable
{
    /// <summary>The newer process's first message.</summary>
    public static ReadOnlyMemory<byte> Hello { get; } = "kiro takeover 2"u8.ToArray();

    /// <summary>The first message of older versions, which only take the sockets.</summary>
    public static ReadOnlyMemory<byte> HelloSockets { get; } = "kiro takeover 1"u8.ToArray();

    /// <summary>Sent by the newer process once it serves.</summary>
    public static ReadOnlyMemory<byte> Ready { get; } = "ready"u8.ToArray();

    /// <summary>Sent to the newer process once this one has stopped accepting.</summary>
    public static ReadOnlyMemory<byte> Leaving { get; } = "leaving"u8.ToArray();

    /// <summary>For sending the final messages.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _end = new();
    private Socket? _control;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (sockets.Unclaimed is { Count: > 0 } unclaimed)
        {
            throw new StartRefusedException([$"LISTEN_FDS: no setting uses {string.Join(" or ", unclaimed)}, where a socket unit listens. {listen.Variable} is {listen.Port}."]);
        }

        try
        {
            _control = ControlSocket.Listen(listen);
            _ = ServeAsync(_control, _end.Token);
        }
        catch (SocketException problem)
        {
            LogNoOffer(logger, problem.Message);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _end.Cancel();
        _control?.Dispose();
        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        // Also if the host was never stopped.
        _end.Cancel();
        _control?.Dispose();
        _end.Dispose();
    }

    private async Task ServeAsync(Socket control, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            try
            {
                // One at a time; another one waits.
                using var socket = await control.AcceptAsync(end);
                if (ControlSocket.PeerOf(socket) is { } process && await HandOverAsync(socket, process, end))
                {
                    return;
                }
            }
            catch (Exception gone) when (gone is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The newer process disconnected, or this one stops.
            }
        }
    }

    private async Task<bool> HandOverAsync(Socket socket, int process, CancellationToken end)
    {
        using var channel = new TakeoverChannel(socket);
        var hello = await channel.ReceiveAsync([], end);
        var wantsState = hello.AsSpan().SequenceEqual(Hello.Span);
        if (!wantsState && !hello.AsSpan().SequenceEqual(HelloSockets.Span))
        {
            return false;
        }

        var open = sockets.Open;
        var addresses = Encoding.UTF8.GetBytes(string.Join('\n', open.Select(listener => listener.Address)));
        await channel.SendAsync(addresses, [.. open.Select(listener => listener.Descriptor)], end);
        var sentAt = time.GetTimestamp();
        if (wantsState)
        {
            await SendStateAsync(channel, null, end);
        }

        if (await channel.ReceiveAsync([], end) is not { } ready || !ready.AsSpan().SequenceEqual(Ready.Span))
        {
            LogCancelled(logger, process);
            return false;
        }

        // Free the name first: the newer process binds it next.
        _control!.Dispose();
        await Task.WhenAll(open.Select(listener => listener.StopAcceptingAsync()));
        LogTakenOver(logger, process);
        file.SetHandedOver(true);
        // From here on, orders are refused.
        drain.BeginReplaced();
        try
        {
            using var limit = new CancellationTokenSource(Timeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, end);
            await channel.SendAsync(Leaving, [], either.Token);
            if (wantsState)
            {
                // What has changed meanwhile: orders, and clients that this process accepted.
                await SendStateAsync(channel, time.GetElapsedTime(sentAt), either.Token);
            }
        }
        catch (Exception gone) when (gone is SocketException or OperationCanceledException)
        {
            // The newer process was serving and has ended; its supervisor will restart it.
            LogEndedAgain(logger, process);
        }

        lifetime.StopApplication();
        return true;
    }

    // The state, then the sessions, then an empty message.
    private async Task SendStateAsync(TakeoverChannel channel, TimeSpan? since, CancellationToken end)
    {
        await channel.SendAsync(state.Write(), [], end);
        foreach (var part in sessions?.Parts(since) ?? [])
        {
            await channel.SendAsync(part, [], end);
        }

        await channel.SendAsync(ReadOnlyMemory<byte>.Empty, [], end);
    }

    [LoggerMessage(70, LogLevel.Information, "Process {Process} took over the port: this one finishes what is open and accepts no more connections")]
    private static partial void LogTakenOver(ILogger logger, int process);

    [LoggerMessage(71, LogLevel.Warning, "Process {Process} asked to take over the port but ended before it was ready: this one keeps serving")]
    private static partial void LogCancelled(ILogger logger, int process);

    [LoggerMessage(76, LogLevel.Warning, "Process {Process} took over the port and then ended")]
    private static partial void LogEndedAgain(ILogger logger, int process);

    [LoggerMessage(72, LogLevel.Warning, "No newer process can take over the port (--takeover): {Problem}")]
    private static partial void LogNoOffer(ILogger logger, string problem);
}

internal static class TakeoverServices
{
    /// <summary>The command-line switch.</summary>
    public static ProgramSwitch Switch { get; } = new(
        "--takeover", "KIRO_TAKEOVER", "take over the port from the process that serves it: no connection\nis refused or lost, and that process drains and exits");

    /// <summary>Registered after discovery and health, which must start first.</summary>
    public static void AddTakeover(this WebApplicationBuilder builder)
    {
        if (!ControlSocket.IsSupported)
        {
            return;
        }

        if (builder.Configuration[Switch.Variable] == "1")
        {
            builder.Services.AddHostedService<TakeoverClient>();
        }

        builder.Services.AddHostedService<TakeoverServer>();
    }
}
