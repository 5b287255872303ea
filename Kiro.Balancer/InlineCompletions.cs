namespace Kiro.Balancer;

/// <summary>
/// Lets what waits for a socket go on in the thread that finds it ready, instead of a hand-over to another one. Nothing
/// that runs there may block, or go on for long: it would hold up every connection of that thread. YARP's copying of bodies
/// does, so it is for the lean path alone, which gives way.
/// </summary>
internal static class InlineCompletions
{
    private const string Variable = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>To be called before the process has used a socket. A variable that is set wins.</summary>
    public static WebApplicationBuilder WithInlineCompletions(this WebApplicationBuilder builder)
    {
        var isLean = builder.Configuration["FORWARDER"]?.Trim() != "yarp";
        if (isLean && string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable)))
        {
            Environment.SetEnvironmentVariable(Variable, "1");
        }

        return builder;
    }
}
