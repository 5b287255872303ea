using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.State;

/// <summary>Where the state is kept.</summary>
/// <param name="File"><c>STATE_FILE</c>: the file; null, the default, to keep no state.</param>
internal sealed record StateOptions(string? File)
{
    private const string Variable = "STATE_FILE";

    public static StateOptions Read(SettingsReader settings)
    {
        if (settings.Text(Variable) is not { } text)
        {
            return new StateOptions((string?)null);
        }

        // Replace the target of a link, not the link.
        var file = TargetOf(Path.GetFullPath(text));
        if (Directory.Exists(file) || !Directory.Exists(Path.GetDirectoryName(file)) || IsDevice(file))
        {
            settings.Reject(Variable, text, "a file in a folder that is there");
        }
        else if (IsForeign(file))
        {
            settings.Reject(Variable, text, "a file that a balancer wrote, or none yet: this one would be replaced");
        }

        return new StateOptions(file);
    }

    private static string TargetOf(string path)
    {
        try
        {
            return System.IO.File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        }
        catch (Exception none) when (none is IOException or UnauthorizedAccessException)
        {
            return path;
        }
    }

    // Root could replace /dev/null.
    private static bool IsDevice(string path) =>
        path.StartsWith("/dev/", StringComparison.Ordinal) && !path.StartsWith("/dev/shm/", StringComparison.Ordinal);

    // A state file starts with a brace. After a crash of the machine it may be empty, or start with zeros.
    private static bool IsForeign(string path)
    {
        try
        {
            using var file = System.IO.File.OpenRead(path);
            return file.ReadByte() is not (-1 or 0 or '{');
        }
        catch (Exception none) when (none is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

internal static class StateServices
{
    /// <summary>Must come before discovery, which makes the backends known.</summary>
    public static void AddState(this IServiceCollection services, StateOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<StateChanges>();
        services.AddSingleton<StateStatus>();
        services.AddSingleton<RememberedHealth>();
        services.AddSingleton<IBackendMemory>(provider => provider.GetRequiredService<RememberedHealth>());
        services.AddSingleton<IStatePart, NodesPart>();
        services.AddSingleton<BalancerState>();
        services.AddSingleton<StateFile>();
        if (options.File is not null)
        {
            services.AddHostedService(provider => provider.GetRequiredService<StateFile>());
        }
    }
}
