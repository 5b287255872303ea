using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Hosting;

namespace Kiro.ServiceDefaults.Hosting;

/// <summary>
/// Reports the state of the service to systemd, or whatever else sets <c>NOTIFY_SOCKET</c> (sd_notify(3)): ready, stopping,
/// and with <c>WatchdogSec=</c> a keep-alive as long as all watched parts make progress.
/// </summary>
internal sealed class ServiceManager(string address, IEnumerable<IWatched> watched, TimeProvider time) : IHostedLifecycleService, IDisposable
{
    /// <summary>The variable with the socket's address.</summary>
    public const string Variable = "NOTIFY_SOCKET";

    /// <summary>In milliseconds, as in sd_notify: a manager that does not read must not block the service for long.</summary>
    private const int Timeout = 5000;

    private readonly IWatched[] _watched = [.. watched];
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { SendTimeout = Timeout };
    private readonly CancellationTokenSource _end = new();

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        Say("READY=1");
        if (WatchdogPeriod() is { } period)
        {
            _ = WatchAsync(period / 2);
        }

        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        Say("STOPPING=1");
        return Task.CompletedTask;
    }

    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        _end.Cancel();
        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
        _socket.Dispose();
    }

    private static TimeSpan? WatchdogPeriod() =>
        (Environment.GetEnvironmentVariable("WATCHDOG_PID") ?? Own()) == Own()
        && long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds) && microseconds > 0
            ? TimeSpan.FromMicroseconds(microseconds)
            : null;

    private static string Own() => Environment.ProcessId.ToString(CultureInfo.InvariantCulture);

    // Without a message from a hung part, the manager restarts the service.
    private async Task WatchAsync(TimeSpan period)
    {
        using var timer = new PeriodicTimer(period, time);
        try
        {
            do
            {
                await Task.WhenAll(_watched.Select(part => part.WaitForProgressAsync())).WaitAsync(_end.Token);
                Say("WATCHDOG=1");
            }
            while (await timer.WaitForNextTickAsync(_end.Token));
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    private void Say(string state)
    {
        try
        {
            // A leading @ denotes an abstract socket (unix(7)).
            _socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(address[0] == '@' ? "\0" + address[1..] : address));
        }
        catch (SocketException)
        {
            // Nobody listens or reads.
        }
    }
}

/// <summary>A part of the service that the watchdog watches.</summary>
public interface IWatched
{
    /// <summary>Completes once the part has made progress; never if it hangs.</summary>
    Task WaitForProgressAsync();
}
