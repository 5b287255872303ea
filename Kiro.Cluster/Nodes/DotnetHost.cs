using System.Runtime.InteropServices;

namespace Kiro.Cluster.Nodes;

/// <summary>How to start a program that lies beside the runner.</summary>
/// <param name="File">The dotnet host, or the program's own executable.</param>
/// <param name="Arguments">What precedes the program's arguments.</param>
internal sealed record DotnetHost(string File, IReadOnlyList<string> Arguments)
{
    public static DotnetHost For(string program)
    {
        var assembly = Path.Combine(AppContext.BaseDirectory, program + ".dll");
        return Muxer() is { } dotnet
            ? new DotnetHost(dotnet, [assembly])
            : new DotnetHost(Path.Combine(AppContext.BaseDirectory, Executable(program)), []);
    }

    /// <summary>The dotnet that runs us, or the one whose runtime our own executable found.</summary>
    private static string? Muxer()
    {
        if (Environment.ProcessPath is { } self && Path.GetFileNameWithoutExtension(self) == "dotnet")
        {
            return self;
        }

        // …/dotnet/shared/Microsoft.NETCore.App/10.0.0/; a self-contained publish has no such place.
        var beside = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", Executable("dotnet")));
        return System.IO.File.Exists(beside) ? beside : null;
    }

    private static string Executable(string name) => OperatingSystem.IsWindows() ? name + ".exe" : name;
}
