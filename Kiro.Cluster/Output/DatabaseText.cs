using System.Data.Common;
using Microsoft.Extensions.Configuration;

namespace Kiro.Cluster.Output;

/// <summary>Which database the instances use, in words that hold no secret.</summary>
internal static class DatabaseText
{
    private static readonly string[] HostKeys = ["server", "host", "data source", "datasource", "address", "addr", "network address"];
    private static readonly string[] DatabaseKeys = ["database", "initial catalog"];

    public static string Of(IConfiguration configuration)
    {
        if (Value("ConnectionStrings:kiro") is { } connectionString)
        {
            return $"MySQL at {FromConnectionString(connectionString)}";
        }

        if (Value("MYSQL_HOST") is { } host)
        {
            return $"MySQL at {host}:{Value("MYSQL_PORT") ?? "13306"}/{Value("MYSQL_DATABASE") ?? "kiro_api"}";
        }

        return Value("SQLITE_FILE") is { } file ? $"embedded SQLite file {file}" : "embedded SQLite file";

        string? Value(string name) => configuration[name]?.Trim() is { Length: > 0 } value ? value : null;
    }

    private static string FromConnectionString(string text)
    {
        try
        {
            var parts = new DbConnectionStringBuilder { ConnectionString = text };
            return $"{First(parts, HostKeys) ?? "localhost"}:{First(parts, ["port"]) ?? "3306"}/{First(parts, DatabaseKeys)}";
        }
        catch (ArgumentException)
        {
            return "the address in ConnectionStrings__kiro";
        }
    }

    private static string? First(DbConnectionStringBuilder parts, string[] keys) =>
        keys.Select(key => parts.TryGetValue(key, out var value) ? value.ToString() : null).FirstOrDefault(value => value is not null);
}
