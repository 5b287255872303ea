using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>
/// Reloads all settings or none: they are read and validated together, as at startup, before any part is replaced.
/// Only one reload runs at a time; a second one is queued and shared by all further callers.
/// </summary>
public sealed partial class SettingsReload
{
    private readonly Lock _reloading = new();
    private readonly IConfiguration _configuration;
    private readonly Func<SettingsReader, Action> _read;
    private readonly IReadOnlySet<string> _reloadable;
    private readonly TimeProvider _time;
    private readonly ILogger<SettingsReload> _logger;
    private volatile ReloadStatus _status;
    private volatile IReadOnlyList<WatchedFile> _tried;
    private readonly Lock _asking = new();
    private Task<ReloadStatus>? _next;
    private SettingsReader _inForce;

    /// <param name="inForce">The reader of the initial settings.</param>
    /// <param name="configuration">Their source.</param>
    /// <param name="read">Reads everything; throws <see cref="InvalidSettingsException"/>, or returns an action that applies it.</param>
    /// <param name="reloadable">The variables that can be reloaded; others keep their values.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The logger.</param>
    public SettingsReload(
        SettingsReader inForce, IConfiguration configuration, Func<SettingsReader, Action> read, IReadOnlySet<string> reloadable,
        TimeProvider time, ILogger<SettingsReload> logger)
    {
        ArgumentNullException.ThrowIfNull(inForce);
        ArgumentNullException.ThrowIfNull(time);
        (_inForce, _configuration, _read, _reloadable, _time, _logger) = (inForce, configuration, read, reloadable, time, logger);
        _status = new ReloadStatus { Generation = 1, TakenAt = time.GetUtcNow() };
        _tried = FilesOf(inForce);
    }

    /// <summary>The current status.</summary>
    public ReloadStatus Status => _status;

    /// <summary>Whether the files differ from those of the last reload, successful or not.</summary>
    /// <param name="found">The current files.</param>
    public bool HasChanged(IReadOnlyList<WatchedFile> found) => !_tried.SequenceEqual(found);

    /// <summary>The current state of the settings files.</summary>
    public IReadOnlyList<WatchedFile> Look() =>
    [
        .. EnvironmentFile.Find() is { } path ? [WatchedFile.Read(path).File] : (IEnumerable<WatchedFile>)[],
        .. _tried.Where(file => !EnvironmentFile.IsIt(file.Path)).Select(file => WatchedFile.Read(file.Path).File),
    ];

    /// <summary>Reloads everything, once for all callers that arrive before the reload begins, so that at most one reload is
    /// queued.</summary>
    /// <param name="cause">The cause, for the log; that of the first caller is used.</param>
    /// <returns>The same as <see cref="Reload"/>.</returns>
    public Task<ReloadStatus> ReloadAsync(string cause)
    {
        lock (_asking)
        {
            return _next ??= Task.Run(() =>
            {
                lock (_reloading)
                {
                    lock (_asking)
                    {
                        _next = null;
                    }

                    return Reload(cause);
                }
            });
        }
    }

    /// <summary>Reloads everything.</summary>
    /// <param name="cause">The cause, for the log: "SIGHUP", "a changed file".</param>
    /// <returns>The new status; with <see cref="ReloadStatus.Problems"/> if it was rejected.</returns>
    public ReloadStatus Reload(string cause)
    {
        lock (_reloading)
        {
            var wanted = new SettingsReader(_configuration);
            Action undo = () => { };
            try
            {
                undo = EnvironmentFile.Reload(_configuration);
                var take = _read(wanted);
                // Validate everything before values that cannot be reloaded are reset.
                var pending = wanted.ChangedSince(_inForce).Except(_reloadable, StringComparer.OrdinalIgnoreCase).ToList();
                var taken = wanted;
                if (pending.Count > 0)
                {
                    taken = new SettingsReader(_configuration, _inForce, pending);
                    take = ReadKeeping(taken, pending);
                }

                Take(cause, taken, take, pending);
            }
            catch (InvalidSettingsException refused)
            {
                undo();
                Refuse(cause, refused.Lines);
            }

            _tried = FilesOf(wanted);
            return _status;
        }
    }

    private Action ReadKeeping(SettingsReader taken, List<string> kept)
    {
        try
        {
            return _read(taken);
        }
        catch (InvalidSettingsException alone)
        {
            throw new InvalidSettingsException(
                [.. alone.Lines.Select(line => $"{string.Join(", ", kept)} cannot be reloaded, and with the previous value: {line}")]);
        }
    }

    private void Take(string cause, SettingsReader taken, Action take, IReadOnlyList<string> pending)
    {
        var changed = taken.ChangedSince(_inForce).ToList();
        foreach (var name in pending.Except(_status.Pending))
        {
            Told(_logger, ReloadStatus.PendingWarning(name));
        }

        // Even if no variable changed, since certificate files are watched separately.
        take();
        if (changed.Count > 0)
        {
            _status = new ReloadStatus { Generation = _status.Generation + 1, TakenAt = _time.GetUtcNow(), Changed = changed, Pending = pending };
            Taken(_logger, cause, _status.Generation, string.Join(", ", changed));
        }
        else
        {
            _status = _status with { Pending = pending, Problems = [] };
            Same(_logger, cause, _status.Generation);
        }

        _inForce = taken;
    }

    private void Refuse(string cause, IReadOnlyList<string> problems)
    {
        if (!problems.SequenceEqual(_status.Problems))
        {
            foreach (var problem in problems)
            {
                Refused(_logger, cause, problem);
            }
        }

        _status = _status with { Problems = problems };
    }

    private static IReadOnlyList<WatchedFile> FilesOf(SettingsReader reader) =>
        [.. EnvironmentFile.Taken is { } file ? [file] : (IEnumerable<WatchedFile>)[], .. reader.Files];

    [LoggerMessage(95, LogLevel.Information, "Settings reloaded ({Cause}), generation {Generation}: {Changed} changed")]
    private static partial void Taken(ILogger logger, string cause, int generation, string changed);

    [LoggerMessage(96, LogLevel.Information, "Settings reloaded ({Cause}): nothing changed, generation {Generation} stays in force")]
    private static partial void Same(ILogger logger, string cause, int generation);

    [LoggerMessage(97, LogLevel.Warning, "New settings were rejected ({Cause}), the previous ones stay in force: {Problem}")]
    private static partial void Refused(ILogger logger, string cause, string problem);

    [LoggerMessage(98, LogLevel.Warning, "{Warning}")]
    private static partial void Told(ILogger logger, string warning);
}

/// <summary>Registers the reload of settings.</summary>
public static class ReloadServices
{
    /// <param name="services">The program's services.</param>
    /// <param name="inForce">The reader of the initial settings.</param>
    /// <param name="configuration">Their source.</param>
    /// <param name="read">Reads everything; throws <see cref="InvalidSettingsException"/>, or returns an action that applies it.</param>
    /// <param name="reloadable">The variables that can be reloaded; others keep their values.</param>
    public static void AddReload(
        this IServiceCollection services, SettingsReader inForce, IConfiguration configuration, Func<SettingsReader, Action> read,
        IReadOnlySet<string> reloadable)
    {
        services.AddSingleton(provider => new SettingsReload(
            inForce, configuration, read, reloadable, provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<SettingsReload>>()));
        services.AddHostedService<SettingsWatch>();
    }
}

/// <summary>The settings generation in force, and the result of the last reload.</summary>
public sealed record ReloadStatus
{
    /// <summary>1 at the start; incremented by every reload that changed something.</summary>
    public required int Generation { get; init; }

    /// <summary>When this generation was applied.</summary>
    public required DateTimeOffset TakenAt { get; init; }

    /// <summary>The variables whose value, or the content of the file they name, differs from the previous generation.</summary>
    public IReadOnlyList<string> Changed { get; init; } = [];

    /// <summary>The changed variables that need a restart.</summary>
    public IReadOnlyList<string> Pending { get; init; } = [];

    /// <summary>Why the last reload was rejected, one line per invalid value; empty if it was applied.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>What an operator should fix, one sentence each.</summary>
    public IEnumerable<string> Warnings =>
    [
        .. Problems.Select(problem => $"New settings were rejected, the previous ones stay in force: {problem}"),
        .. Pending.Select(PendingWarning),
    ];

    internal static string PendingWarning(string name) =>
        $"{name} was changed but cannot be reloaded: the previous value stays in force until a restart or a takeover.";
}
