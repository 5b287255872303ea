using Kiro.ServiceDefaults.Settings;

namespace Kiro.Cluster.Settings;

/// <summary>The runner's command line.</summary>
/// <param name="Help">Print the help and do nothing.</param>
/// <param name="Balancer">Start the balancer too.</param>
/// <param name="Settings">The runner's own variables that were given as <c>--NAME=value</c>; they win over the environment.</param>
internal sealed record RunnerArguments(bool Help, bool Balancer, IReadOnlyDictionary<string, string?> Settings)
{
    /// <exception cref="InvalidSettingsException">One line for each argument that is not known.</exception>
    public static RunnerArguments Parse(IReadOnlyList<string> arguments)
    {
        var (help, balancer) = (false, true);
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        var problems = new List<string>();
        foreach (var argument in arguments)
        {
            if (argument is "--help" or "-h" or "-?")
            {
                help = true;
            }
            else if (argument is "--no-balancer")
            {
                balancer = false;
            }
            else if (Setting(argument) is var (name, value))
            {
                settings[name] = value;
            }
            else
            {
                problems.Add($"Unknown argument: {argument}. --help lists what there is.");
            }
        }

        return problems.Count == 0 ? new RunnerArguments(help, balancer, settings) : throw new InvalidSettingsException(problems);
    }

    private static (string Name, string Value)? Setting(string argument)
    {
        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        var name = ClusterSettings.Names.FirstOrDefault(name =>
            equals > 0 && argument[..equals].Equals("--" + name, StringComparison.OrdinalIgnoreCase));
        return name is null ? null : (name, argument[(equals + 1)..]);
    }
}
