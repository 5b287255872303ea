using System.Reflection;

namespace Aspire.Hosting.Kiro;

/// <summary>The balancer included in the package.</summary>
internal static class BalancerProgram
{
    /// <summary>Overrides the package's balancer with the path of another <c>kiro.dll</c>.</summary>
    public const string PathVariable = "KIRO_BALANCER_PATH";

    private const string Key = "kirobalancerpath";

    /// <summary>The version of the container image, the same as the package's.</summary>
    public static string Version { get; } = typeof(BalancerProgram).Assembly.GetName().Version!.ToString(3);

    /// <summary>The configured path, or the one that the package's targets have stored in the AppHost.</summary>
    /// <exception cref="DistributedApplicationException">There is none, or the file does not exist.</exception>
    public static string Find(IDistributedApplicationBuilder builder)
    {
        var path = builder.Configuration[PathVariable] ?? builder.AppHostAssembly?.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(metadata => metadata.Key == Key)?.Value;
        return path is null
            ? throw new DistributedApplicationException(
                "The AppHost does not know the path of Kiro's balancer. It must reference the package Kiro.Aspire.Hosting directly, with its build assets, and be built with Aspire's SDK.")
            : File.Exists(path) ? path
            : throw new DistributedApplicationException($"Kiro's balancer is not at {path}, where it was when the AppHost was built. Restore and build the AppHost on this machine.");
    }

    /// <summary>A free port, since there is no Aspire proxy in front of the balancer that would select one.</summary>
    public static int FreePort()
    {
        using var socket = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        socket.Start();
        return ((System.Net.IPEndPoint)socket.LocalEndpoint).Port;
    }
}
