namespace Kiro.Balancer.Backends;

/// <summary>The words for a node's state, wherever it is told: status, events, metrics, log.</summary>
internal static class StateNames
{
    public static string Of(BackendState state) => state switch
    {
        BackendState.Starting => "starting",
        BackendState.Up => "up",
        BackendState.Down => "down",
        _ => "draining",
    };
}
