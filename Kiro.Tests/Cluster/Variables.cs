using Microsoft.Extensions.Configuration;

namespace Kiro.Tests.Cluster;

internal static class Variables
{
    /// <summary>A configuration from <c>A=1;B=2</c>.</summary>
    public static IConfigurationRoot Of(string variables) => new ConfigurationBuilder()
        .AddInMemoryCollection(variables.Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Select(variable => variable.Split('=', 2))
            .ToDictionary(parts => parts[0].Replace("__", ":", StringComparison.Ordinal), parts => (string?)parts[1]))
        .Build();
}
