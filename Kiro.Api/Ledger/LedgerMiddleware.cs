using Kiro.Api.Callers;
using Kiro.Api.Database;
using Kiro.Api.Nodes;

namespace Kiro.Api.Ledger;

/// <summary>Counts each request when it ends, whatever its result. Probes and scrapes are not counted.</summary>
internal sealed class LedgerMiddleware(RequestDelegate next, LedgerCounts counts, NodeIdentity node)
{
    private static readonly PathString[] Uncounted = ["/health", "/alive", "/metrics"];

    public Task InvokeAsync(HttpContext context)
    {
        foreach (var path in Uncounted)
        {
            if (context.Request.Path.Equals(path, StringComparison.OrdinalIgnoreCase))
            {
                return next(context);
            }
        }

        return CountAsync(context);
    }

    private async Task CountAsync(HttpContext context)
    {
        var client = CallerAddress.CallerOf(context, node.Name);
        try
        {
            await next(context);
        }
        finally
        {
            counts.Count(client);
        }
    }
}

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
        services.AddSingleton<IDatabaseProbe>(provider => provider.GetRequiredService<LedgerFlush>());
        services.AddHostedService(provider => provider.GetRequiredService<LedgerFlush>());
    }

    public static void UseLedger(this IApplicationBuilder app) => app.UseMiddleware<LedgerMiddleware>();
}
