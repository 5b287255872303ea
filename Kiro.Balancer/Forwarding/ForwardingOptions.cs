using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Forwarding;

/// <summary>How requests are sent to nodes.</summary>
/// <param name="Path"><c>FORWARDER</c>: <c>loop</c>, <c>lean</c> (the default) or <c>yarp</c>.</param>
internal sealed record ForwardingOptions(ForwardingPath Path)
{
    private const string Variable = "FORWARDER";

    public static ForwardingOptions Read(SettingsReader settings)
    {
        var text = settings.Text(Variable) ?? "lean";
        switch (text)
        {
            case "loop":
                return new ForwardingOptions(ForwardingPath.Loop);
            case "yarp":
                return new ForwardingOptions(ForwardingPath.Yarp);
            case "lean":
                break;
            default:
                settings.Reject(Variable, text, "loop, lean or yarp");
                break;
        }

        return new ForwardingOptions(ForwardingPath.Lean);
    }
}
