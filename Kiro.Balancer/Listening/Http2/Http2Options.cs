using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening.Http2;

/// <summary>HTTP/2 from clients without TLS.</summary>
/// <param name="IsOn"><c>H2C</c>: <c>on</c> takes it on the plain port from clients that begin with it (RFC 9113, section 3.3), beside
/// HTTP/1.1; <c>off</c>, the default.</param>
internal sealed record Http2Options(bool IsOn)
{
    private const string Variable = "H2C";

    public static Http2Options Read(SettingsReader settings)
    {
        var text = settings.Text(Variable, "off");
        if (text is not ("on" or "off"))
        {
            settings.Reject(Variable, text, "on or off");
        }

        return new Http2Options(text == "on");
    }
}
