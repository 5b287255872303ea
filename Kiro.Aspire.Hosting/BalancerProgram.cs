using System.Reflection;

namespace Aspire.Hosting.Kiro;

/// <summary>The balancer that came with the package.</summary>
internal static class BalancerProgram
{
    /// <summary>Another one than the package's: the path of its <c>kiro.dll</c>.</summary>
    public const string PathVariable = "KIRO_BALANCER_PATH";

    private const string Key = "kirobalancerpath";

    /// <summary>The version of the container image: the package's own.</summary>
    public static string Version { get; } = typeof(BalancerProgram).Assembly.GetName().Version!.ToString(3);

    /// <summary>The path that is set, or that the package's targets have left in the AppHost.</summary>
    /// <exception cref="DistributedApplicationException">There is none, or nothing is there.</exception>
    public static string Find(IDistributedApplicationBuilder builder)
    {
        var path = builder.Configuration[PathVariable] ?? builder.AppHostAssembly?.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(metadata => metadata.Key == Key)?.Value;
        return path is null
            ? throw new DistributedApplicationException(
                "The AppHost does not say where Kiro's balancer is. It has to reference the package Kiro.Aspire.Hosting itself, with its build assets, and be built by Aspire's SDK.")
            : File.Exists(path) ? path
            : throw new DistributedApplicationException($"Kiro's balancer is not at {path}, where it was when the AppHost was built. Restore and build the AppHost on this machine.");
    }

    /// <summary>A port that nobody has: Aspire's proxy, which would find one, must not stand before the balancer.</summary>
    public static int FreePort()
    {
        using var socket = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        socket.Start();
        return ((System.Net.IPEndPoint)socket.LocalEndpoint).Port;
    }
}
