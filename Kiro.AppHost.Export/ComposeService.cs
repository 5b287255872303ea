using Aspire.Hosting.Docker.Resources.ComposeNodes;
using Aspire.Hosting.Docker.Resources.ServiceNodes;
using Kiro.AppHost.Published;

namespace Kiro.AppHost.Export;

/// <summary>What a compose service adds to the model: image, health check, privileges, grace period.</summary>
internal static class ComposeService
{
    /// <summary>Customises a service.</summary>
    /// <param name="service">The publisher's service.</param>
    /// <param name="program">The project, such as <c>Kiro.Api</c>.</param>
    /// <param name="defaults">The defaults of the variables that users can set.</param>
    public static void Shape(this Service service, string program, IReadOnlyDictionary<string, string> defaults)
    {
        var part = program.Split('.')[1];
        service.Image = $"${{KIRO_{part.ToUpperInvariant()}_IMAGE:-kiro-{part.ToLowerInvariant()}:{PublishedSettings.Version}}}";
        service.Build = new Build { Context = "..", Dockerfile = $"compose-export/Dockerfile.{part.ToLowerInvariant()}" };
        service.Restart = "unless-stopped";
        service.ReadOnly = true;
        service.CapDrop = ["ALL"];
        service.SecurityOpt = ["no-new-privileges:true"];
        // Longer than DRAIN_DELAY + DRAIN_TIMEOUT.
        service.StopGracePeriod = "50s";
        service.Healthcheck = new Healthcheck
        {
            // The balancer's image contains a native program, the API's an assembly.
            Test = part == "Balancer" ? ["CMD", $"./{program}", "--health"] : ["CMD", "dotnet", $"{program}.dll", "--health"],
            Interval = "10s",
            Timeout = "5s",
            StartPeriod = "30s",
            Retries = 3,
        };
        service.Expose = [];
        foreach (var (name, value) in service.Environment)
        {
            service.Environment[name] = WithDefault(value, defaults);
        }
    }

    // ${MYSQL_HOST} → ${MYSQL_HOST:-host.docker.internal}, so that no variable is required.
    private static string WithDefault(string value, IReadOnlyDictionary<string, string> defaults) =>
        value.StartsWith("${", StringComparison.Ordinal) && defaults.TryGetValue(value[2..^1], out var fallback)
            ? $"{value[..^1]}:-{fallback}}}"
            : value;
}
