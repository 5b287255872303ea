namespace Kiro.Balancer;

/// <summary>
/// Lets what waits for a socket go on in the thread that finds it ready, instead of a hand-over to another one. Nothing
/// that runs there may block: it would hold up every connection of that thread.
/// </summary>
internal static class InlineCompletions
{
    private const string Variable = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>To be called before the process has used a socket. A variable that is set wins.</summary>
    public static void Enable()
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable)))
        {
            Environment.SetEnvironmentVariable(Variable, "1");
        }
    }
}
