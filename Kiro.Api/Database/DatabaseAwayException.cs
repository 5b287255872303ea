namespace Kiro.Api.Database;

/// <summary>The database could not be used; the cause has been reported to <see cref="DatabaseState"/>.</summary>
internal sealed class DatabaseAwayException(Exception cause) : Exception(cause.Message, cause);
