using System.Runtime.InteropServices;

namespace Kiro.Cluster.Nodes;

/// <summary>How to start a program in the runner's folder.</summary>
/// <param name="File">The dotnet host, or the program's own executable.</param>
/// <param name="Arguments">The arguments before the program's own.</param>
internal sealed record DotnetHost(string File, IReadOnlyList<string> Arguments)
{
    public static DotnetHost For(string program)
    {
        var assembly = Path.Combine(AppContext.BaseDirectory, program + ".dll");
        return Muxer() is { } dotnet
            ? new DotnetHost(dotnet, [assembly])
            : new DotnetHost(Path.Combine(AppContext.BaseDirectory, Executable(program)), []);
    }

    /// <summary>The dotnet host of this process, or of the runtime that our executable uses.</summary>
    private static string? Muxer()
    {
        if (Environment.ProcessPath is { } self && Path.GetFileNameWithoutExtension(self) == "dotnet")
        {
            return self;
        }

        // …/dotnet/shared/Microsoft.NETCore.App/10.0.0/; not available when published self-contained.
        var beside = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", Executable("dotnet")));
        return System.IO.File.Exists(beside) ? beside : null;
    }

    private static string Executable(string name) => OperatingSystem.IsWindows() ? name + ".exe" : name;
}
