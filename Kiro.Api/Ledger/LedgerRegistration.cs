using Kiro.Api.Database;

namespace Kiro.Api.Ledger;

internal static class LedgerRegistration
{
    public static void AddLedger(this IServiceCollection services, LedgerOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<LedgerCounts>();
        services.AddSingleton<LedgerOutbox>();
        services.AddSingleton<LedgerStore>();
        services.AddSingleton<LedgerSummary>();
        services.AddSingleton<ApiMetrics>();
        services.AddSingleton<LedgerFlush>();
        services.AddSingleton<IDatabaseUse>(provider => provider.GetRequiredService<LedgerFlush>());
        services.AddHostedService(provider => provider.GetRequiredService<LedgerFlush>());
    }

    public static void UseLedger(this IApplicationBuilder app) => app.UseMiddleware<LedgerMiddleware>();
}
