using System.Runtime.InteropServices;

namespace Kiro.Balancer.State;

/// <summary>
/// Replaces a file as a whole. The new content is on the disk before it gets the name, and the name is before this returns, so
/// whatever ends the process or the machine leaves the old file or the new one.
/// </summary>
internal static partial class DurableFile
{
    private const int CloseOnExec = 0x80000;

    /// <summary>For this user alone.</summary>
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <param name="path">The file, absolute.</param>
    /// <param name="content">All of it.</param>
    /// <exception cref="IOException">It cannot be written; the old one is as it was.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        // What an earlier process may have left in the middle, whoever it belongs to.
        var unfinished = path + ".new";
        File.Delete(unfinished);
        try
        {
            using (var file = new FileStream(unfinished, NewFile()))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            File.Move(unfinished, path, overwrite: true);
        }
        catch
        {
            // A disk that is full gets its room back.
            TryDelete(unfinished);
            throw;
        }

        SyncFolder(Path.GetDirectoryName(path)!);
    }

    private static FileStreamOptions NewFile()
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = Mode;
        }

        return options;
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception stuck) when (stuck is IOException or UnauthorizedAccessException)
        {
            // What went wrong before says more.
        }
    }

    // Some file systems cannot, and then there is nothing better.
    private static void SyncFolder(string path)
    {
        if (OperatingSystem.IsLinux() && Open(path, CloseOnExec) is >= 0 and var folder)
        {
            _ = Sync(folder);
            _ = Close(folder);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
