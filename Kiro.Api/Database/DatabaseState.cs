using Kiro.Api.Logging;

namespace Kiro.Api.Database;

/// <summary>
/// The state of the database as seen by the node. Any failed write marks it as down; only <see cref="DatabaseWatch"/> marks it
/// as up again, once everything that needs the database has succeeded.
/// </summary>
internal sealed class DatabaseState(SqlDialect dialect, TimeProvider time, ILogger<DatabaseState> logger)
{
    /// <summary>The reason before the first check, which takes a few seconds.</summary>
    public const string NotTried = "Not connected yet.";

    /// <summary>Limits log lines if the reason changes with each attempt, for example because of a temporary file name.</summary>
    private static readonly TimeSpan MinBetweenReasons = TimeSpan.FromSeconds(60);

    private readonly Lock _writer = new();
    private volatile DatabaseStatus _current = new(false, NotTried);
    private volatile bool _isSuspect;
    private string? _logged;
    private long _loggedAt;

    public DatabaseStatus Current => _current;

    public bool IsUp => _current.Up;

    /// <summary>A read failed, so writing should be checked.</summary>
    public bool IsSuspect => _isSuspect;

    /// <summary>Everything has succeeded.</summary>
    public void ReportUp()
    {
        lock (_writer)
        {
            if (_current.Up)
            {
                return;
            }

            _current = new DatabaseStatus(true, null);
            _logged = null;
        }

        Log.DatabaseUp(logger);
    }

    public void ReportDown(Exception problem)
    {
        var reason = Describe(problem);
        lock (_writer)
        {
            _current = new DatabaseStatus(false, reason);
            if (_logged == reason || (_logged is not null && time.GetElapsedTime(_loggedAt) < MinBetweenReasons))
            {
                return;
            }

            (_logged, _loggedAt) = (reason, time.GetTimestamp());
        }

        Log.DatabaseDown(logger, reason);
    }

    public void Suspect() => _isSuspect = true;

    public void ClearSuspicion() => _isSuspect = false;

    // Driver messages contain no secrets, but do not name the server or file either.
    private string Describe(Exception problem) => $"{dialect.Place}: {problem.Message.ReplaceLineEndings(" ")}";
}

/// <summary>The state of the database.</summary>
/// <param name="Up">Whether the last attempt succeeded.</param>
/// <param name="Reason">Why it failed, in plain English and without secrets; null if it succeeded.</param>
internal sealed record DatabaseStatus(bool Up, string? Reason)
{
    /// <summary>As in the API's responses.</summary>
    public string Word => Up ? "up" : "down";
}
