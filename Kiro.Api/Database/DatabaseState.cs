using Kiro.Api.Logging;

namespace Kiro.Api.Database;

/// <summary>The verdict that everyone reads; whoever has just used the database reports into it.</summary>
internal sealed class DatabaseState(SqlDialect dialect, TimeProvider time, ILogger<DatabaseState> logger)
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

    // Drivers put no secret in their messages, but they do not say which server or file they talk about either.
    private string Describe(Exception problem) => $"{dialect.Place}: {problem.Message.ReplaceLineEndings(" ")}";

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
