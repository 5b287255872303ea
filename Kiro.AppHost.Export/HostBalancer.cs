using System.Text.RegularExpressions;
using Aspire.Hosting.Docker.Resources;
using Kiro.AppHost.Published;

namespace Kiro.AppHost.Export;

/// <summary>A second balancer for the cluster file, on the host's network, where it sees the real client addresses.</summary>
internal static partial class HostBalancer
{
    public static ComposeFile Of(ComposeFile cluster)
    {
        var service = cluster.Services["balancer"];
        service.Name = "balancer-host";
        service.NetworkMode = "host";
        service.Networks = [];
        service.Ports = [];
        service.Environment["BALANCER_PORT"] = $"${{BALANCER_PORT:-{service.Environment["BALANCER_PORT"]}}}";
        // Not shared with the other balancer, which has different node names.
        service.Environment["STATE_FILE"] = PublishedSettings.StateFolder + "/state-host.json";
        // The nodes' published ports are the same as inside.
        service.Environment["BACKEND_HOSTS"] = HostName().Replace(service.Environment["BACKEND_HOSTS"], "127.0.0.1");
        return new ComposeFile { Version = cluster.Version }.AddService(service);
    }

    [GeneratedRegex("[^,:]+(?=:)")]
    private static partial Regex HostName();
}
