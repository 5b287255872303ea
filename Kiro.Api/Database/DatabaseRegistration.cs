namespace Kiro.Api.Database;

internal static class DatabaseRegistration
{
    public static void AddDatabase(this IServiceCollection services, DatabaseOptions options)
    {
        services.AddSingleton<SqlDialect>(provider => options.Kind == DatabaseKind.MySql
            ? new MySqlDialect(options, provider.GetRequiredService<ILoggerFactory>())
            : new SqliteDialect(options));
        services.AddSingleton<DatabaseState>();
        services.AddSingleton<DatabaseAccess>();
        services.AddSingleton<SchemaMigration>();
        services.AddHostedService<DatabaseWatch>();
    }
}
