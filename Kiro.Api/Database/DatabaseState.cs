using Kiro.Api.Logging;

namespace Kiro.Api.Database;

/// <summary>
/// The verdict that everyone reads. Any write that fails takes it down; only <see cref="DatabaseWatch"/> takes it up
/// again, once all that the database is needed for has worked.
/// </summary>
internal sealed class DatabaseState(SqlDialect dialect, TimeProvider time, ILogger<DatabaseState> logger)
{
    /// <summary>The reason until the first verdict, which comes within seconds.</summary>
    public const string NotTried = "Not connected yet.";

    /// <summary>A reason that changes from one try to the next, by the name of a temporary file say, is not worth a line each time.</summary>
    private static readonly TimeSpan MinBetweenReasons = TimeSpan.FromSeconds(60);

    private readonly Lock _writer = new();
    private volatile DatabaseVerdict _current = new(false, NotTried);
    private volatile bool _isDoubted;
    private string? _logged;
    private long _loggedAt;

    public DatabaseVerdict Current => _current;

    public bool IsUp => _current.Up;

    /// <summary>Something failed that alone says little: whether a write still works is to be found out.</summary>
    public bool IsDoubted => _isDoubted;

    /// <summary>Everything has just worked.</summary>
    public void ReportUp()
    {
        lock (_writer)
        {
            if (_current.Up)
            {
                return;
            }

            _current = new DatabaseVerdict(true, null);
            _logged = null;
        }

        Log.DatabaseUp(logger);
    }

    public void ReportDown(Exception problem)
    {
        var reason = Describe(problem);
        lock (_writer)
        {
            _current = new DatabaseVerdict(false, reason);
            if (_logged == reason || (_logged is not null && time.GetElapsedTime(_loggedAt) < MinBetweenReasons))
            {
                return;
            }

            (_logged, _loggedAt) = (reason, time.GetTimestamp());
        }

        Log.DatabaseDown(logger, reason);
    }

    public void Doubt() => _isDoubted = true;

    public void Believe() => _isDoubted = false;

    // Drivers put no secret in their messages, but they do not say which server or file they talk about either.
    private string Describe(Exception problem) => $"{dialect.Place}: {problem.Message.ReplaceLineEndings(" ")}";
}

/// <summary>Whether the database does what it is needed for.</summary>
/// <param name="Up">It did when it was last tried.</param>
/// <param name="Reason">Why it does not, in plain words and without secrets; null when it does.</param>
internal sealed record DatabaseVerdict(bool Up, string? Reason)
{
    /// <summary>As the API's responses say it.</summary>
    public string Word => Up ? "up" : "down";
}
