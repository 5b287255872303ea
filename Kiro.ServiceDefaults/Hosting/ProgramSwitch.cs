namespace Kiro.ServiceDefaults.Hosting;

/// <summary>A switch that one program has, besides those of all.</summary>
/// <param name="Name">As on the command line: <c>--takeover</c>.</param>
/// <param name="Variable">Which is 1 in the configuration when the switch is given.</param>
/// <param name="Help">What it does, for <c>--help</c>.</param>
public sealed record ProgramSwitch(string Name, string Variable, string Help);
