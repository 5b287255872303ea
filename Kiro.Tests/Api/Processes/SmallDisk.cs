using System.Diagnostics;
using Kiro.Tests.Support;

namespace Kiro.Tests.Api.Processes;

/// <summary>A file system of its own that a test can fill to the last byte: a tmpfs, which needs root.</summary>
internal sealed class SmallDisk : IDisposable
{
    private SmallDisk(string folder) => Folder = folder;

    public string Folder { get; }

    private string Filler => Path.Combine(Folder, "filler");

    /// <summary>Mounts it, or skips the test where that is not allowed.</summary>
    public static SmallDisk Mount(int megabytes)
    {
        Requirement.Need("disk", OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "a file system of its own needs Linux and root.");
        var folder = Directory.CreateTempSubdirectory("kiro-disk-").FullName;
        var isMounted = Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", folder);
        Requirement.Need("disk", isMounted, "this machine does not let a tmpfs be mounted.");
        return new SmallDisk(folder);
    }

    /// <summary>Takes all the room that is left.</summary>
    public void Fill()
    {
        using var filler = new FileStream(Filler, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        var page = new byte[4096];
        try
        {
            while (true)
            {
                filler.Write(page);
            }
        }
        catch (IOException)
        {
        }
    }

    /// <summary>Gives that room back.</summary>
    public void Free() => File.Delete(Filler);

    public void Dispose()
    {
        // Whoever still holds a file there must not fail the test.
        Run("umount", "--lazy", Folder);
        Directory.Delete(Folder, recursive: true);
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
