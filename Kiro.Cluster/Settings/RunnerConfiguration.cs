using Microsoft.Extensions.Configuration;

namespace Kiro.Cluster.Settings;

/// <summary>Where the runner's settings come from: the environment, and the command line that wins over it.</summary>
internal static class RunnerConfiguration
{
    public static IConfigurationRoot Build(RunnerArguments arguments) => new ConfigurationBuilder()
        .AddEnvironmentVariables()
        .AddInMemoryCollection(arguments.Settings)
        .Build();
}
