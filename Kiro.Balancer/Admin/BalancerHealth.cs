using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Hosting;

namespace Kiro.Balancer.Admin;

/// <summary>The balancer's own health, for whoever stands in front of it.</summary>
internal sealed class BalancerHealth(BackendRegistry registry, Drain drain)
{
    public IResult Respond()
    {
        var healthy = registry.Current.Backends.Count(backend => backend.State == BackendState.Up);
        var (status, code) = drain is { IsDraining: true, IsReplaced: false } ? ("draining", StatusCodes.Status503ServiceUnavailable)
            : healthy == 0 ? ("error", StatusCodes.Status503ServiceUnavailable)
            : ("ok", StatusCodes.Status200OK);
        return Results.Json(new HealthStatus(status, healthy), ContractJson.Default.HealthStatus, statusCode: code);
    }
}
