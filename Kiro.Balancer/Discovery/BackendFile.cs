using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Discovery;

/// <summary>
/// The file <c>BACKEND_FILE</c>: one <c>host:port</c> or <c>host:port*weight</c> a line; what follows a <c>#</c> is a comment.
/// It is part of the settings, and a changed one is taken while the balancer runs. A list that cannot be used, or is empty,
/// changes nothing: whoever writes the file may be in the middle.
/// </summary>
internal static class BackendFile
{
    private const string Variable = "BACKEND_FILE";
    private const int MaxBytes = 1024 * 1024;
    private const int MaxShown = 100;

    /// <returns>The nodes, or null when the variable is unset or cannot be used.</returns>
    public static IReadOnlyList<BackendEndpoint>? Read(SettingsReader settings)
    {
        if (settings.FileText(Variable, MaxBytes, "a readable file") is not { } text)
        {
            return null;
        }

        var list = new BackendList(settings, Variable, settings.Text(Variable)!);
        var number = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            number++;
            var end = line.IndexOf('#');
            var node = (end < 0 ? line : line[..end]).Trim().ToString();
            if (node.Length > 0 && !list.TryAdd(node, $"{BackendAddress.Expected}, on each line; line {number}, {Shown(node)}, is not"))
            {
                return null;
            }
        }

        return list.End("a file with at least one host:port");
    }

    // It may be any file, and what is said of it goes to a terminal.
    private static string Shown(string node)
    {
        var text = string.Concat(node.Select(c => char.IsControl(c) ? '?' : c));
        return text.Length > MaxShown ? string.Concat(text.AsSpan(0, MaxShown), "…") : text;
    }
}
