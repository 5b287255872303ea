using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Selection;

/// <content>As variables say it: apart, because Kiro.Yarp has the rest and no variables.</content>
internal sealed partial record HashingOptions
{
    public static HashingOptions Read(SettingsReader settings) => new(
        settings.Text("HASH_SEED") is { } text ? SeedOf(text) : DefaultSeed,
        settings.WholeNumber("HASH_IPV4_PREFIX", 32, 1, 32),
        settings.WholeNumber("HASH_IPV6_PREFIX", 64, 1, 128));
}
