using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Kiro.ServiceDefaults.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>
/// Reloads the settings on SIGHUP, and within two seconds of a change to their files. Files are polled and read, because
/// bind mounts and the symlinks of a ConfigMap raise no change events. A changed file is loaded once two reads returned the
/// same content, because it may still be being written.
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
                if (reload.HasChanged(found) && found.SequenceEqual(before))
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

    // Sent by an operator, or by the system when the controlling terminal is closed.
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

/// <summary>A file whose content is part of the settings.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Hash">The hash of its content; empty if it cannot be read.</param>
public sealed record WatchedFile(string Path, string Hash)
{
    /// <summary>The maximum size of a settings file, in bytes.</summary>
    internal const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>Reads a file.</summary>
    /// <returns>No content if it cannot be read or is too large.</returns>
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
            // Treated like a missing file.
        }

        return (new WatchedFile(path, ""), null);
    }
}
