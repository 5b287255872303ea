using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Forwarding;

/// <summary>How requests are sent to nodes.</summary>
/// <param name="Path"><c>FORWARDER</c>: <c>lean</c> (the default) or <c>yarp</c>.</param>
internal sealed record ForwardingOptions(ForwardingPath Path)
{
    private const string Variable = "FORWARDER";

    public static ForwardingOptions Read(SettingsReader settings)
    {
        var text = settings.Text(Variable) ?? "lean";
        if (text is not ("lean" or "yarp"))
        {
            settings.Reject(Variable, text, "lean or yarp");
        }

        return new ForwardingOptions(text == "yarp" ? ForwardingPath.Yarp : ForwardingPath.Lean);
    }
}
