namespace Kiro.Cluster.Supervision;

/// <summary>Why a process ended, to follow its name.</summary>
internal static class ExitText
{
    // On Unix a process that a signal ended has the exit code 128 + its number.
    private static readonly Dictionary<int, string> Signals = new()
    {
        [129] = "SIGHUP", [130] = "SIGINT", [131] = "SIGQUIT", [132] = "SIGILL", [133] = "SIGTRAP", [134] = "SIGABRT",
        [135] = "SIGBUS", [136] = "SIGFPE", [137] = "SIGKILL", [139] = "SIGSEGV", [141] = "SIGPIPE", [143] = "SIGTERM",
    };

    public static string Of(int exitCode) =>
        OperatingSystem.IsWindows() || !Signals.TryGetValue(exitCode, out var signal)
            ? $"ended (exit code {exitCode})"
            : $"was killed ({signal})";
}
