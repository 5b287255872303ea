using System.Diagnostics;
using Kiro.Tests.Support;

namespace Kiro.Tests.Api.Processes;

/// <summary>A small tmpfs that a test can fill to the last byte. Mounting it needs root.</summary>
internal sealed class SmallDisk : IDisposable
{
    private SmallDisk(string folder) => Folder = folder;

    public string Folder { get; }

    private string Filler => Path.Combine(Folder, "filler");

    /// <summary>Mounts it, or skips the test if that is not permitted.</summary>
    public static SmallDisk Mount(int megabytes)
    {
        Requirement.Need("disk", OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "mounting a tmpfs needs Linux and root.");
        var folder = Directory.CreateTempSubdirectory("kiro-disk-").FullName;
        var isMounted = Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", folder);
        Requirement.Need("disk", isMounted, "mounting a tmpfs is not permitted.");
        return new SmallDisk(folder);
    }

    /// <summary>Uses up all free space.</summary>
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

    /// <summary>Frees that space.</summary>
    public void Free() => File.Delete(Filler);

    public void Dispose()
    {
        // Lazily, because a process may still have a file open.
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
