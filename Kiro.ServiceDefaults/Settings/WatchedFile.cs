using System.Security.Cryptography;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>A file whose content is part of the settings, as it was when somebody looked.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Hash">Of its content; empty while it cannot be read.</param>
public sealed record WatchedFile(string Path, string Hash)
{
    /// <summary>No file of settings is larger, in bytes.</summary>
    internal const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>Reads it whole, with what is known of it afterwards.</summary>
    /// <returns>No content when it cannot be read, or is too large.</returns>
    internal static (WatchedFile File, byte[]? Content) Read(string path, int maxBytes = MaxBytes)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: var length } && length <= maxBytes)
            {
                var content = System.IO.File.ReadAllBytes(path);
                return (new WatchedFile(path, Convert.ToHexString(SHA256.HashData(content))), content);
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            // As if it were not there.
        }

        return (new WatchedFile(path, ""), null);
    }
}
