namespace Kiro.Api.Logging;

/// <summary>The log messages of a node. 1xx: database, 2xx: ledger, 3xx: nodes.</summary>
internal static partial class Log
{
    [LoggerMessage(100, LogLevel.Information, "The database is up.")]
    public static partial void DatabaseUp(ILogger logger);

    [LoggerMessage(101, LogLevel.Warning, "The database is down; requests are served and counted in memory. {Reason}")]
    public static partial void DatabaseDown(ILogger logger, string reason);

    [LoggerMessage(102, LogLevel.Information, "The schema is now at version {Version}.")]
    public static partial void SchemaChanged(ILogger logger, int version);

    [LoggerMessage(200, LogLevel.Debug, "Batch {Batch} written: {Requests} requests of {Clients} clients.")]
    public static partial void BatchWritten(ILogger logger, long batch, long requests, int clients);

    [LoggerMessage(201, LogLevel.Warning, "Batch {Batch} was already written, but its confirmation was lost; it is not written again.")]
    public static partial void BatchWasWritten(ILogger logger, long batch);

    [LoggerMessage(202, LogLevel.Error, "Requests that could not be written to the ledger before shutdown: {Requests}.")]
    public static partial void CountsLost(ILogger logger, long requests);

    [LoggerMessage(203, LogLevel.Error, "A ledger flush failed for a reason other than the database.")]
    public static partial void FlushBroken(ILogger logger, Exception problem);

    [LoggerMessage(300, LogLevel.Information, "{Node} is listening on port {Port}.")]
    public static partial void Serving(ILogger logger, string node, int port);

    [LoggerMessage(301, LogLevel.Error, "A heartbeat failed for a reason other than the database.")]
    public static partial void HeartbeatBroken(ILogger logger, Exception problem);
}
