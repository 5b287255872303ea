using System.Runtime.InteropServices;

namespace Kiro.Balancer.State;

/// <summary>
/// Keeps the state in <c>STATE_FILE</c>: read before anything else begins, written when something changed, and at the end. There
/// is always a whole one on the disk; one that cannot be read all the same is set aside.
/// </summary>
internal sealed partial class StateFile(
    StateOptions options, BalancerState state, StateChanges changes, StateStatus status, TimeProvider time, ILogger<StateFile> logger)
    : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan MinPause = TimeSpan.FromMilliseconds(100);

    /// <summary>Of one core, or of the disk: a large state is written less often.</summary>
    private const int MaxShare = 10;

    /// <summary>So that the file's age tells how long the balancer was away.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(1);

    private readonly Lock _writing = new();
    private bool _isAnothers;
    private (DateTime, long)? _written;
    private long _shared;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        try
        {
            state.Read(ReadFile(options.File!));
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            // The first start.
        }
        catch (Exception problem) when (problem is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            SetAside(problem.Message);
        }

        _written = Look();
        changes.Urgent += Save;
        return Task.CompletedTask;
    }

    /// <summary>Whether the file is another process's, during a takeover: then nothing is written here.</summary>
    public void LeaveToAnother(bool isAnothers)
    {
        lock (_writing)
        {
            _isAnothers = isAnothers;
            _written = Look();
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
            // The balancer stops.
        }
    }

    private void Save()
    {
        lock (_writing)
        {
            if (_isAnothers)
            {
                return;
            }

            try
            {
                NoteWhoElseWrites();
                DurableFile.Replace(options.File!, state.Write());
                status.Unwritable = null;
                _written = Look();
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                status.Unwritable = Told(status.Unwritable,
                    $"STATE_FILE={options.File} cannot be written, so admin actions are lost when this process ends: {problem.Message.ReplaceLineEndings(" ")}");
            }
        }
    }

    // Two with one file would forget now one's orders and now the other's. Each writes it at least once in MaxAge.
    private void NoteWhoElseWrites()
    {
        if (_written is not null && Look() is { } found && found != _written)
        {
            _shared = time.GetTimestamp();
            status.Shared = Told(status.Shared, $"STATE_FILE={options.File} is written by somebody else, too: each balancer needs a file of its own.");
        }
        else if (status.Shared is not null && time.GetElapsedTime(_shared) > 2 * MaxAge)
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

    private (DateTime, long)? Look() =>
        options.File is { } path && new FileInfo(path) is { Exists: true } file ? (file.LastWriteTimeUtc, file.Length) : null;

    private void SetAside(string problem)
    {
        var aside = options.File + ".broken";
        var sentence = $"STATE_FILE={options.File} cannot be read and was set aside as {aside}, so this is a start without it: {problem.ReplaceLineEndings(" ")}";
        try
        {
            File.Move(options.File!, aside, overwrite: true);
        }
        catch (Exception stuck) when (stuck is IOException or UnauthorizedAccessException)
        {
            sentence = $"STATE_FILE={options.File} cannot be read, so this is a start without it: {problem.ReplaceLineEndings(" ")}";
        }

        status.Broken = Told(status.Broken, sentence);
    }

    // In the log once; on the page as long as it is so.
    private string Told(string? before, string sentence)
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

/// <summary>How it is with the state file.</summary>
internal sealed class StateStatus
{
    private volatile string? _broken;
    private volatile string? _unwritable;
    private volatile string? _shared;

    /// <summary>A sentence for each thing that somebody should know.</summary>
    public IEnumerable<string> Problems => ((string?[])[_broken, _unwritable, _shared]).OfType<string>();

    /// <summary>It could not be read and was set aside: said until the next start.</summary>
    public string? Broken
    {
        get => _broken;
        set => _broken = value;
    }

    /// <summary>It could not be written: said until it could.</summary>
    public string? Unwritable
    {
        get => _unwritable;
        set => _unwritable = value;
    }

    /// <summary>Somebody else wrote it between two writes of this process: said until nobody does.</summary>
    public string? Shared
    {
        get => _shared;
        set => _shared = value;
    }
}

/// <summary>
/// Replaces a file as a whole. The new content is on the disk before it gets the name, and the name is before this returns, so
/// whatever ends the process or the machine leaves the old file or the new one.
/// </summary>
internal static partial class DurableFile
{
    private const int CloseOnExec = 0x80000;

    /// <summary>For this user alone.</summary>
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <param name="path">The file, absolute.</param>
    /// <param name="content">All of it.</param>
    /// <exception cref="IOException">It cannot be written; the old one is as it was.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        // What an earlier process may have left in the middle, whoever it belongs to.
        var unfinished = path + ".new";
        File.Delete(unfinished);
        try
        {
            using (var file = new FileStream(unfinished, NewFile()))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            File.Move(unfinished, path, overwrite: true);
        }
        catch
        {
            // A disk that is full gets its room back.
            TryDelete(unfinished);
            throw;
        }

        SyncFolder(Path.GetDirectoryName(path)!);
    }

    private static FileStreamOptions NewFile()
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = Mode;
        }

        return options;
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception stuck) when (stuck is IOException or UnauthorizedAccessException)
        {
            // What went wrong before says more.
        }
    }

    // Some file systems cannot, and then there is nothing better.
    private static void SyncFolder(string path)
    {
        if (OperatingSystem.IsLinux() && Open(path, CloseOnExec) is >= 0 and var folder)
        {
            _ = Sync(folder);
            _ = Close(folder);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
