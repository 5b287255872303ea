namespace Kiro.Api.Database;

/// <summary>Where the cluster's memory lives.</summary>
internal enum DatabaseKind
{
    /// <summary>An embedded file that the nodes of one machine share.</summary>
    Sqlite,

    /// <summary>A server, MySQL or MariaDB.</summary>
    MySql,
}
