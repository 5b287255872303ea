using Kiro.AppHost.Settings;

namespace Kiro.AppHost;

/// <summary>The database that the nodes share.</summary>
internal static class Database
{
    /// <summary>An external server, a container, or null for the embedded file.</summary>
    public static IResourceBuilder<IResourceWithConnectionString>? AddDatabase(this IDistributedApplicationBuilder builder, AppHostSettings settings)
    {
        if (settings.MySqlHost is { } host)
        {
            return builder.AddServer(host);
        }

#if KIRO_MYSQL_HOSTING
        return settings.MySqlContainer ? builder.AddMySqlContainer() : null;
#else
        return null;
#endif
    }

    private static IResourceBuilder<IResourceWithConnectionString> AddServer(this IDistributedApplicationBuilder builder, string address)
    {
        var host = Quoted("mysql-host", "MYSQL_HOST", address);
        var port = Quoted("mysql-port", "MYSQL_PORT", "13306");
        var user = Quoted("mysql-user", "MYSQL_USER", "root");
        var password = Quoted("mysql-password", "MYSQL_PASSWORD", "", secret: true);
        var database = Quoted("mysql-database", "MYSQL_DATABASE", "kiro_api");
        return builder.AddConnectionString("kiro", ReferenceExpression.Create(
            $"Server={host};Port={port};User ID={user};Password={password};Database={database}"));

        QuotedParameter Quoted(string name, string variable, string fallback, bool secret = false)
        {
            var value = builder.Configuration[variable] is { Length: > 0 } given ? given : fallback;
            return new QuotedParameter(builder.AddParameter(name, value, secret: secret).Resource);
        }
    }
}

/// <summary>A parameter quoted for a connection string, so that it may contain semicolons, quotes and spaces.</summary>
internal sealed class QuotedParameter(ParameterResource parameter) : IValueProvider, IManifestExpressionProvider, IValueWithReferences
{
    /// <inheritdoc />
    public string ValueExpression => $"\"{parameter.ValueExpression}\"";

    /// <inheritdoc />
    public IEnumerable<object> References => [parameter];

    /// <inheritdoc />
    public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        var value = await parameter.GetValueAsync(cancellationToken);
        return $"\"{value?.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
