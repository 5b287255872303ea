using System.Net.Sockets;
using System.Text;
using Kiro.Balancer.State;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening.Takeover;

/// <summary>
/// Lets a newer process take the ports over. It gets the listening sockets as they are, queue and all, so there is no moment
/// in which nobody listens; both accept until the newer one is ready, then this one accepts nobody any more and drains.
/// A newer process that goes away before it is ready changes nothing.
/// </summary>
internal sealed partial class TakeoverServer(
    ListenPort listen, ListenSockets sockets, BalancerState state, StateFile file, Drain drain, IHostApplicationLifetime lifetime, TimeProvider time,
    ILogger<TakeoverServer> logger, IHandoverData? sessions = null) : IHostedLifecycleService, IDisposable
{
    /// <summary>What the newer process begins with.</summary>
    public static ReadOnlyMemory<byte> Hello { get; } = "kiro takeover 2"u8.ToArray();

    /// <summary>The same of one that wants the sockets only, as older versions do.</summary>
    public static ReadOnlyMemory<byte> HelloSockets { get; } = "kiro takeover 1"u8.ToArray();

    /// <summary>What it says once it serves.</summary>
    public static ReadOnlyMemory<byte> Ready { get; } = "ready"u8.ToArray();

    /// <summary>What it is told when nobody else accepts any more.</summary>
    public static ReadOnlyMemory<byte> Leaving { get; } = "leaving"u8.ToArray();

    /// <summary>For the newer process to take a message.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _end = new();
    private Socket? _control;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (sockets.Unclaimed is { Count: > 0 } unwanted)
        {
            throw new StartRefusedException([$"LISTEN_FDS: no setting names {string.Join(" or ", unwanted)}, where a socket unit listens. {listen.Variable} is {listen.Port}."]);
        }

        try
        {
            _control = ControlSocket.Listen(listen);
            _ = ServeAsync(_control, _end.Token);
        }
        catch (SocketException problem)
        {
            NoOffer(logger, problem.Message);
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
        // Also for whoever was never stopped.
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
                // One at a time: a second one waits.
                using var socket = await control.AcceptAsync(end);
                if (ControlSocket.PeerOf(socket) is { } process && await HandOverAsync(socket, process, end))
                {
                    return;
                }
            }
            catch (Exception gone) when (gone is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The newer process is gone, or this one stops.
            }
        }
    }

    private async Task<bool> HandOverAsync(Socket socket, int process, CancellationToken end)
    {
        using var channel = new TakeoverChannel(socket);
        var hello = await channel.ReceiveAsync([], end);
        var wantsAll = hello.AsSpan().SequenceEqual(Hello.Span);
        if (!wantsAll && !hello.AsSpan().SequenceEqual(HelloSockets.Span))
        {
            return false;
        }

        var open = sockets.Open;
        var addresses = Encoding.UTF8.GetBytes(string.Join('\n', open.Select(listener => listener.Address)));
        await channel.SendAsync(addresses, [.. open.Select(listener => listener.Descriptor)], end);
        var told = time.GetTimestamp();
        if (wantsAll)
        {
            await SendKnowledgeAsync(channel, null, end);
        }

        if (await channel.ReceiveAsync([], end) is not { } ready || !ready.AsSpan().SequenceEqual(Ready.Span))
        {
            CalledOff(logger, process);
            return false;
        }

        // The name first, which the newer process takes next.
        _control!.Dispose();
        await Task.WhenAll(open.Select(listener => listener.StopAcceptingAsync()));
        TakenOver(logger, process);
        file.LeaveToAnother(true);
        // From now on no order is taken here.
        drain.BeginReplaced();
        try
        {
            using var limit = new CancellationTokenSource(Patience, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, end);
            await channel.SendAsync(Leaving, [], either.Token);
            if (wantsAll)
            {
                // Orders may have been given since, and clients have come while both were accepting.
                await SendKnowledgeAsync(channel, time.GetElapsedTime(told), either.Token);
            }
        }
        catch (Exception gone) when (gone is SocketException or OperationCanceledException)
        {
            // The newer process served already, and does not any more: whoever watches over it starts another one.
            GoneAgain(logger, process);
        }

        lifetime.StopApplication();
        return true;
    }

    // The state, and then sessions; an empty message ends it.
    private async Task SendKnowledgeAsync(TakeoverChannel channel, TimeSpan? since, CancellationToken end)
    {
        await channel.SendAsync(state.Write(), [], end);
        foreach (var part in sessions?.Parts(since) ?? [])
        {
            await channel.SendAsync(part, [], end);
        }

        await channel.SendAsync(ReadOnlyMemory<byte>.Empty, [], end);
    }

    [LoggerMessage(70, LogLevel.Information, "Process {Process} took over the port: this one finishes what is open and accepts no more connections")]
    private static partial void TakenOver(ILogger logger, int process);

    [LoggerMessage(71, LogLevel.Warning, "Process {Process} asked to take over the port but ended before it was ready: this one keeps serving")]
    private static partial void CalledOff(ILogger logger, int process);

    [LoggerMessage(76, LogLevel.Warning, "Process {Process} took over the port and ended again")]
    private static partial void GoneAgain(ILogger logger, int process);

    [LoggerMessage(72, LogLevel.Warning, "No newer process can take over the port (--takeover): {Problem}")]
    private static partial void NoOffer(ILogger logger, string problem);
}

internal static class TakeoverServices
{
    /// <summary>The switch of the command line.</summary>
    public static ProgramSwitch Switch { get; } = new(
        "--takeover", "KIRO_TAKEOVER", "take the port over from the process that serves it: no connection\nis refused or lost, and that process drains and ends");

    /// <summary>Adds the taking over of ports. After whatever finds and probes the nodes.</summary>
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
