namespace Kiro.Balancer.State;

/// <summary>
/// Keeps the state in <c>STATE_FILE</c>: read before anything else starts, written after changes and at shutdown. It is replaced
/// atomically; a file that cannot be read anyway is moved aside.
/// </summary>
internal sealed partial class StateFile(
    StateOptions options, BalancerState state, StateChanges changes, StateStatus status, TimeProvider time, ILogger<StateFile> logger)
    : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan MinPause = TimeSpan.FromMilliseconds(100);

    /// <summary>Saving takes at most a tenth of the time: a large state is written less often.</summary>
    private const int MaxShare = 10;

    /// <summary>Written at least this often, so that the file's age shows how long the balancer was down.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(1);

    private readonly Lock _writing = new();
    private bool _isHandedOver;
    private (DateTime, long)? _written;
    private long _sharedAt;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        try
        {
            state.Read(ReadFile(options.File!));
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            // First start.
        }
        catch (Exception problem) when (problem is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            SetAside(problem.Message);
        }

        _written = Stat();
        changes.SaveRequested += Save;
        return Task.CompletedTask;
    }

    /// <summary>During a takeover, the file belongs to the other process and is not written here.</summary>
    public void SetHandedOver(bool isHandedOver)
    {
        lock (_writing)
        {
            _isHandedOver = isHandedOver;
            _written = Stat();
        }
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        Save();
        return Task.CompletedTask;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await changes.WaitAsync(MaxAge, time, stoppingToken);
                var began = time.GetTimestamp();
                Save();
                var pause = (MaxShare - 1) * time.GetElapsedTime(began);
                await Task.Delay(pause > MinPause ? pause : MinPause, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown.
        }
    }

    private void Save()
    {
        lock (_writing)
        {
            if (_isHandedOver)
            {
                return;
            }

            try
            {
                DetectOtherWriter();
                DurableFile.Replace(options.File!, state.Write());
                status.Unwritable = null;
                _written = Stat();
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                status.Unwritable = Logged(status.Unwritable,
                    $"STATE_FILE={options.File} cannot be written, so admin actions are lost when this process ends: {problem.Message.ReplaceLineEndings(" ")}");
            }
        }
    }

    // Balancers that share a file overwrite each other's orders. Each writes it at least once in MaxAge.
    private void DetectOtherWriter()
    {
        if (_written is not null && Stat() is { } found && found != _written)
        {
            _sharedAt = time.GetTimestamp();
            status.Shared = Logged(status.Shared, $"STATE_FILE={options.File} is also written by another process: each balancer needs its own file.");
        }
        else if (status.Shared is not null && time.GetElapsedTime(_sharedAt) > 2 * MaxAge)
        {
            status.Shared = null;
        }
    }

    private static byte[] ReadFile(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (file.Length > BalancerState.MaxBytes)
        {
            throw new InvalidDataException($"it has {file.Length} bytes, and at most {BalancerState.MaxBytes} are read");
        }

        var content = new byte[file.Length];
        file.ReadExactly(content);
        return content;
    }

    private (DateTime, long)? Stat() =>
        options.File is { } path && new FileInfo(path) is { Exists: true } file ? (file.LastWriteTimeUtc, file.Length) : null;

    private void SetAside(string problem)
    {
        var aside = options.File + ".broken";
        var sentence = $"STATE_FILE={options.File} cannot be read and was moved to {aside}, so the balancer starts without it: {problem.ReplaceLineEndings(" ")}";
        try
        {
            File.Move(options.File!, aside, overwrite: true);
        }
        catch (Exception stuck) when (stuck is IOException or UnauthorizedAccessException)
        {
            sentence = $"STATE_FILE={options.File} cannot be read, so the balancer starts without it: {problem.ReplaceLineEndings(" ")}";
        }

        status.Broken = Logged(status.Broken, sentence);
    }

    // Logs a problem once; it stays on the status page for as long as it lasts.
    private string Logged(string? before, string sentence)
    {
        if (sentence != before)
        {
            Warn(logger, sentence);
        }

        return sentence;
    }

    [LoggerMessage(78, LogLevel.Warning, "{Sentence}")]
    private static partial void Warn(ILogger logger, string sentence);
}

/// <summary>The problems of the state file.</summary>
internal sealed class StateStatus
{
    private volatile string? _broken;
    private volatile string? _unwritable;
    private volatile string? _shared;

    /// <summary>A sentence for each problem.</summary>
    public IEnumerable<string> Problems => ((string?[])[_broken, _unwritable, _shared]).OfType<string>();

    /// <summary>It could not be read; until the next start.</summary>
    public string? Broken
    {
        get => _broken;
        set => _broken = value;
    }

    /// <summary>It cannot be written.</summary>
    public string? Unwritable
    {
        get => _unwritable;
        set => _unwritable = value;
    }

    /// <summary>Another process writes it, too.</summary>
    public string? Shared
    {
        get => _shared;
        set => _shared = value;
    }
}
