using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Clients;

/// <summary>Whose word counts about who is calling.</summary>
/// <param name="TrustedProxies"><c>TRUSTED_PROXIES</c>: comma-separated CIDR ranges or addresses, or <c>none</c>;
/// by default the loopback addresses.</param>
internal sealed record ClientOptions(IReadOnlyList<AddressRange> TrustedProxies)
{
    private const string Variable = "TRUSTED_PROXIES";

    public static ClientOptions Read(SettingsReader settings)
    {
        var text = settings.Text(Variable) ?? "127.0.0.0/8,::1/128";
        var ranges = new List<AddressRange>();
        foreach (var part in text == "none" ? [] : text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (AddressRange.TryParse(part, out var range))
            {
                ranges.Add(range);
            }
            else
            {
                settings.Reject(Variable, text, $"addresses or CIDR ranges such as 10.0.0.0/8,fd00::/8, or none; {part} is neither");
                break;
            }
        }

        return new ClientOptions(ranges);
    }
}
