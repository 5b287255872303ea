using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Kiro.ServiceDefaults.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>
/// Reloads the settings on SIGHUP, and within two seconds of a change of the files that they come from. Files are read, not
/// only looked at, because neither bind mounts nor the links of a ConfigMap tell of a change; and a file counts once two
/// looks found the same in it, because whoever writes it may be in the middle.
/// </summary>
internal sealed class SettingsWatch(
    SettingsReload reload, IConfiguration configuration, Drain drain, IHostApplicationLifetime lifetime, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private readonly bool _hadTerminal = HasTerminal() && configuration[StopWithParent.Variable] != "1";
    private PosixSignalRegistration? _hangup;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        _hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            HangUp();
        });
        if (EarlyHangup.Came())
        {
            HangUp();
        }

        return base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _hangup?.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        IReadOnlyList<WatchedFile> before = [];
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                var found = reload.Look();
                if (reload.IsNews(found) && found.SequenceEqual(before))
                {
                    reload.Reload("a changed file");
                }

                before = found;
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The program stops.
        }
    }

    // Two things send it: an operator, and the system when the terminal is closed that the program was started from.
    private void HangUp()
    {
        if (_hadTerminal && !HasTerminal())
        {
            drain.SkipDelay();
            drain.Begin();
            lifetime.StopApplication();
            return;
        }

        _ = reload.ReloadAsync("SIGHUP");
    }

    private static bool HasTerminal()
    {
        try
        {
            using var terminal = File.OpenHandle("/dev/tty");
            return true;
        }
        catch (Exception none) when (none is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

/// <summary>A file whose content is part of the settings, as it was when somebody looked.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Hash">Of its content; empty while it cannot be read.</param>
public sealed record WatchedFile(string Path, string Hash)
{
    /// <summary>No file of settings is larger, in bytes.</summary>
    internal const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>Reads it whole, with what is known of it afterwards.</summary>
    /// <returns>No content when it cannot be read, or is too large.</returns>
    internal static (WatchedFile File, byte[]? Content) Read(string path, int maxBytes = MaxBytes)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: var length } && length <= maxBytes)
            {
                var content = System.IO.File.ReadAllBytes(path);
                return (new WatchedFile(path, Convert.ToHexString(SHA256.HashData(content))), content);
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            // As if it were not there.
        }

        return (new WatchedFile(path, ""), null);
    }
}
