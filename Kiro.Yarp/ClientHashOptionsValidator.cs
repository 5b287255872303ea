using Microsoft.Extensions.Options;

namespace Kiro.Yarp;

/// <summary>Reports one line per invalid option at startup.</summary>
internal sealed class ClientHashOptionsValidator : IValidateOptions<ClientHashOptions>
{
    public ValidateOptionsResult Validate(string? name, ClientHashOptions options)
    {
        var problems = new List<string>();
        if (!ClientKey.TryParse(options.Key, out _))
        {
            Refuse(nameof(options.Key), options.Key, ClientKey.Allowed);
        }

        if (options.ReadTrustedProxies() is null)
        {
            Refuse(nameof(options.TrustedProxies), options.TrustedProxies, "addresses or CIDR ranges such as 10.0.0.0/8,fd00::/8, or none");
        }

        if (options.IPv4Prefix is < 1 or > 32)
        {
            Refuse(nameof(options.IPv4Prefix), $"{options.IPv4Prefix}", "a whole number from 1 to 32");
        }

        if (options.IPv6Prefix is < 1 or > 128)
        {
            Refuse(nameof(options.IPv6Prefix), $"{options.IPv6Prefix}", "a whole number from 1 to 128");
        }

        return problems.Count > 0 ? ValidateOptionsResult.Fail(problems) : ValidateOptionsResult.Success;

        void Refuse(string option, string? value, string allowed) =>
            problems.Add($"{nameof(ClientHashOptions)}.{option} = \"{value}\" is not valid: expected {allowed}.");
    }
}
