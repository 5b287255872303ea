using Spectre.Console;

namespace Kiro.Cluster.View;

/// <summary>The colour of a state; the word stands beside it, for those who see none.</summary>
internal static class StateStyle
{
    public static Style Of(string state) => new(state switch
    {
        "up" => Color.Green,
        "down" => Color.Red,
        _ => Color.Yellow,
    });
}
