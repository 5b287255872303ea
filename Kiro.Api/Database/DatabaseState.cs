using System.Net.Sockets;
using Kiro.Api.Telemetry;

namespace Kiro.Api.Database;

/// <summary>The verdict that everyone reads; whoever has just used the database reports into it.</summary>
internal sealed class DatabaseState(TimeProvider time, ILogger<DatabaseState> logger)
{
    private readonly Lock _writer = new();
    private volatile DatabaseVerdict _current = new(false, "Not connected yet.");
    private long _lastAnswer = time.GetTimestamp();

    public DatabaseVerdict Current => _current;

    public bool IsUp => _current.Up;

    /// <summary>Time since the database last answered.</summary>
    public TimeSpan Quiet => time.GetElapsedTime(Interlocked.Read(ref _lastAnswer));

    public void ReportUp()
    {
        Interlocked.Exchange(ref _lastAnswer, time.GetTimestamp());
        if (!_current.Up)
        {
            Change(new DatabaseVerdict(true, null));
        }
    }

    public void ReportDown(Exception problem)
    {
        var reason = Describe(problem);
        if (_current.Reason != reason)
        {
            Change(new DatabaseVerdict(false, reason));
        }
    }

    /// <summary>Drivers put no secret in their messages; a refused connection names its cause one level deeper.</summary>
    private static string Describe(Exception problem)
    {
        var cause = problem;
        while (cause.InnerException is not null)
        {
            cause = cause.InnerException;
        }

        return (cause is SocketException && cause != problem ? $"{problem.Message} {cause.Message}." : problem.Message)
            .ReplaceLineEndings(" ");
    }

    private void Change(DatabaseVerdict verdict)
    {
        lock (_writer)
        {
            if (_current == verdict)
            {
                return;
            }

            _current = verdict;
        }

        if (verdict.Up)
        {
            Log.DatabaseUp(logger);
        }
        else
        {
            Log.DatabaseDown(logger, verdict.Reason!);
        }
    }
}
