using Kiro.ServiceDefaults.Hosting;

namespace Kiro.Balancer.Listening.Takeover;

internal static class TakeoverServices
{
    /// <summary>The switch of the command line.</summary>
    public static ProgramSwitch Switch { get; } = new(
        "--takeover", "KIRO_TAKEOVER", "take the port over from the process that serves it: no connection\nis refused or lost, and that process drains and ends");

    /// <summary>Adds the taking over of ports. After whatever finds and probes the nodes.</summary>
    public static void AddTakeover(this WebApplicationBuilder builder)
    {
        if (!ControlSocket.IsSupported)
        {
            return;
        }

        if (builder.Configuration[Switch.Variable] == "1")
        {
            builder.Services.AddHostedService<TakeoverStart>();
        }

        builder.Services.AddHostedService<TakeoverOffer>();
    }
}
