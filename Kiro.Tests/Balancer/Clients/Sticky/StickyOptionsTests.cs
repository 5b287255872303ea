using Kiro.Balancer.Clients;
using Kiro.ServiceDefaults.Settings;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Clients.Sticky;

public sealed class StickyOptionsTests
{
    [Theory]
    [InlineData("STICKY_BY=", "ip", null, null)]
    [InlineData("STICKY_BY=ip", "ip", null, null)]
    [InlineData("STICKY_BY=cookie", "cookie", "kiro", null)]
    [InlineData("STICKY_BY=header:X-User-Id", "header:X-User-Id", null, "X-User-Id")]
    [InlineData("STICKY_BY=header: x-tenant ", "header:x-tenant", null, "x-tenant")]
    public void Read_StickyBy_IsAccepted(string setting, string word, string? cookie, string? field)
    {
        var options = Settings.Read(StickyOptions.Read, setting);

        Assert.Equal((word, cookie, field), (options.Setting, options.Cookie?.Name, options.Field));
        Assert.Equal(word == "ip", options.IsByAddress);
    }

    [Fact]
    public void Read_CookieName_IsAccepted() =>
        Assert.Equal("__Host-lb", Settings.Read(StickyOptions.Read, "STICKY_BY=cookie", "STICKY_COOKIE=__Host-lb").Cookie!.Name);

    [Theory]
    [InlineData("STICKY_BY=COOKIE")]
    [InlineData("STICKY_BY=header")]
    [InlineData("STICKY_BY=header:")]
    [InlineData("STICKY_BY=header:X User")]
    [InlineData("STICKY_BY=header:X-User:")]
    [InlineData("STICKY_BY=header:Connection")]
    [InlineData("STICKY_BY=header:cookie")]
    [InlineData("STICKY_BY=header:Host")]
    [InlineData("STICKY_BY=address")]
    public void Read_InvalidStickyBy_IsOneErrorWithTheAllowedValues(string setting) => Assert.Equal(
        [$"{setting} is not valid: expected ip, cookie, or header: and the name of a field that tells clients apart, such as header:X-User-Id."],
        Settings.Refusals(StickyOptions.Read, setting));

    [Theory]
    [InlineData("a b")]
    [InlineData("a=b")]
    [InlineData("a;b")]
    [InlineData("ä")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void Read_InvalidCookieName_IsOneError(string name) => Assert.StartsWith(
        $"STICKY_COOKIE={name} is not valid: expected a cookie's name: up to 64 letters, digits and ",
        Assert.Single(Settings.Refusals(StickyOptions.Read, "STICKY_BY=cookie", $"STICKY_COOKIE={name}")), StringComparison.Ordinal);

    [Fact]
    public void Read_CookieNameWithoutCookie_IsAWarning()
    {
        var reader = new SettingsReader(Settings.Of("STICKY_COOKIE=lb"));
        StickyOptions.Read(reader);

        Assert.Equal("STICKY_COOKIE is not used: STICKY_BY is ip.", Assert.Single(reader.Warnings));
    }
}
