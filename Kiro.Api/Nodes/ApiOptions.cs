using System.Net;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Api.Nodes;

/// <summary>The settings of this node.</summary>
/// <param name="Listen"><c>PORT</c>, default 13004.</param>
/// <param name="NodeName"><c>NODE_NAME</c>, default the host name. At most 255 visible characters.</param>
internal sealed record ApiOptions(ListenPort Listen, string NodeName)
{
    private const int MaxName = 255;

    /// <summary>The default port.</summary>
    public static ListenPort UsualListen { get; } = new("PORT", 13004);

    public static ApiOptions Read(SettingsReader settings) =>
        new(UsualListen with { Port = settings.Port(UsualListen.Variable, UsualListen.Port) }, ReadName(settings));

    private static string ReadName(SettingsReader settings)
    {
        var name = settings.Text("NODE_NAME") ?? Dns.GetHostName();
        if (name.Length > MaxName || name.Any(char.IsControl))
        {
            settings.Reject("NODE_NAME", name.ReplaceLineEndings(" "), $"at most {MaxName} visible characters");
        }

        return name;
    }
}
