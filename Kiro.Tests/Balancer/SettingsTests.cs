using Kiro.Balancer;
using Kiro.ServiceDefaults.Settings;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer;

/// <summary>All settings together; details are in the tests of each folder.</summary>
public sealed class SettingsTests
{
    public static TheoryData<string, string> InvalidValues { get; } = new()
    {
        { "BALANCER_PORT=0", "a whole number from 1 to 65535" },
        { "BALANCER_PORT=65536", "a whole number from 1 to 65535" },
        { "BALANCER_PORT=http", "a whole number from 1 to 65535" },
        { "BALANCER_PORT=13003.0", "a whole number from 1 to 65535" },
        { "BALANCER_PORT=99999999999", "a whole number from 1 to 65535" },
        { "BACKEND_HOSTS=api-1", "host:port or host:port*weight, with https:// before it for TLS, ports from 1 to 65535, weights from 0.01 to 1000, separated by commas; api-1 is not" },
        { "BACKEND_PROTOCOL=http3", "http1 or h2c" },
        { "BACKEND_TLS_NAME=api:443", "a host name, without a port" },
        { "H2C=yes", "on or off" },
        { "BACKEND_DNS=api:80", "a host name" },
        { "BACKEND_PORT=0", "a whole number from 1 to 65535" },
        { "BACKEND_START_PORT=x", "a whole number from 1 to 65535" },
        { "BACKEND_COUNT=0", "a whole number from 1 to 52532" },
        { "HEALTH_PATH=health", "a path that begins with /" },
        { "HEALTH_INTERVAL=0", "a number from 0.1 to 3600" },
        { "HEALTH_TIMEOUT=301", "a number from 0.1 to 300" },
        { "HEALTH_FALL=0", "a whole number from 1 to 100" },
        { "HEALTH_RISE=101", "a whole number from 1 to 100" },
        { "EJECT_ERRORS=yes", "on or off" },
        { "SESSION_IDLE=-1", "a number from 0 to 86400" },
        { "SESSION_IDLE=10min", "a number from 0 to 86400" },
        { "DNS_INTERVAL=0", "a number from 1 to 86400" },
        { "TRUSTED_PROXIES=all", "addresses or CIDR ranges such as 10.0.0.0/8,fd00::/8, or none; all is neither" },
        { "HASH_IPV4_PREFIX=33", "a whole number from 1 to 32" },
        { "HASH_IPV6_PREFIX=129", "a whole number from 1 to 128" },
        { "DRAIN_DELAY=-1", "a number from 0 to 3600" },
        { "DRAIN_TIMEOUT=0", "a number from 1 to 3600" },
        { "LISTEN_ADDRESS=127.0.0.1,localhost", "IP addresses of this machine such as 127.0.0.1,::1; localhost is not one" },
        { "LISTEN_ADDRESS=1", "IP addresses of this machine such as 127.0.0.1,::1; 1 is not one" },
        { "LISTEN_ADDRESS=127.0.0.1:80", "IP addresses of this machine such as 127.0.0.1,::1; 127.0.0.1:80 is not one" },
        { "LISTEN_ADDRESS=,", "IP addresses of this machine such as 127.0.0.1,::1" },
        { "LIMIT_CONNECTIONS=0", "a whole number from 1 to 10000000" },
        { "CLIENT_IDLE_TIMEOUT=0.5", "a number from 1 to 86400" },
        { "LIMIT_CONNECTIONS_PER_CLIENT=-1", "a whole number from 0 to 1000000" },
        { "LIMIT_REQUESTS_PER_SECOND=many", "a number from 0 to 1000000" },
        { "LIMIT_BURST=0", "a whole number from 1 to 1000000" },
        { "LIMIT_REQUEST_BODY=10m", "a whole number from 0 to 1000000000000000" },
        { "LIMIT_REQUEST_BODY=1.5", "a whole number from 0 to 1000000000000000" },
        { "LIMIT_REQUEST_HEAD=65537", "a whole number from 4096 to 65536" },
        { "CLIENT_IP_HEADER=Host", "X-Forwarded-For, Forwarded, or the name of a field with one address such as CF-Connecting-IP" },
        { "STICKY_BY=header:Cookie", "ip, cookie, or header: and the name of a field that tells clients apart, such as header:X-User-Id" },
        { "PROXY_PROTOCOL=v2", "on or off" },
        { "FORWARDED=yes", "on or off" },
        { "CONNECT_TIMEOUT=0", "a number from 0.1 to 300" },
        { "EXCHANGE_TIMEOUT=0", "a number from 1 to 86400" },
    };

    [Theory]
    [MemberData(nameof(InvalidValues))]
    public void Read_InvalidValue_IsOneLine(string pair, string allowed) =>
        Assert.Equal([$"{pair} is not valid: expected {allowed}."], Refusals(pair));

    [Fact]
    public void Read_SeveralInvalidValues_AreOneLineEach()
    {
        var lines = Refusals("BALANCER_PORT=x", "HEALTH_FALL=0", "TRUSTED_PROXIES=all", "BACKEND_COUNT=3");

        Assert.Equal(["BALANCER_PORT", "TRUSTED_PROXIES", "HEALTH_FALL"], lines.Select(line => line.Split('=')[0]));
    }

    [Fact]
    public void Read_EmptyValues_AreUnset()
    {
        string[] names =
        [
            "BALANCER_PORT", "BACKEND_HOSTS", "BACKEND_DNS", "BACKEND_PORT", "BACKEND_START_PORT", "BACKEND_COUNT", "HEALTH_PATH", "HEALTH_INTERVAL",
            "HEALTH_TIMEOUT", "HEALTH_FALL", "HEALTH_RISE", "HEALTH_STATUS", "HEALTH_HOST", "HEALTH_BUSY_TIMEOUT", "BACKEND_CONNECTIONS", "DNS_INTERVAL", "TRUSTED_PROXIES", "HASH_SEED", "HASH_IPV4_PREFIX", "HASH_IPV6_PREFIX",
            "CONNECT_TIMEOUT", "EXCHANGE_TIMEOUT", "CLIENT_IP_HEADER", "LISTEN_ADDRESS", "LIMIT_CONNECTIONS", "LIMIT_CONNECTIONS_PER_CLIENT", "LIMIT_REQUESTS_PER_SECOND", "LIMIT_BURST", "CLIENT_IDLE_TIMEOUT", "ADMIN_TOKEN", "DRAIN_DELAY", "DRAIN_TIMEOUT", "ACCESS_LOG",
        ];

        var empty = BalancerSettings.Read(Settings.Of([.. names.Select((name, index) => name + (index % 2 == 0 ? "=" : "=  "))]));
        var unset = BalancerSettings.Read(Settings.Of());

        Assert.Equal(unset.Listening with { Listen = empty.Listening.Listen }, empty.Listening);
        Assert.Equal((unset.Listening.Listen.Port, 0), (empty.Listening.Listen.Port, empty.Listening.Listen.Addresses.Count));
        Assert.Equal(unset.Drain, empty.Drain);
        Assert.Equal(unset.AccessLog, empty.AccessLog);
        Assert.Equal(unset.Hashing, empty.Hashing);
        Assert.Equal(unset.Health, empty.Health);
        Assert.False(empty.Admin.IsSet);
        Assert.Equal(unset.Clients.TrustedProxies, empty.Clients.TrustedProxies);
        Assert.Equal(unset.Discovery.Fixed, empty.Discovery.Fixed);
        Assert.Equal(unset.Discovery with { Fixed = [] }, empty.Discovery with { Fixed = [] });
    }

    [Fact]
    public void Read_Unset_ListensOnTheDocumentedPort() => Assert.Equal(13003, BalancerSettings.Read(Settings.Of()).Listening.Listen.Port);

    [Fact]
    public void Read_AdminToken_IsNeverShown() =>
        Assert.DoesNotContain("secret", BalancerSettings.Read(Settings.Of("ADMIN_TOKEN=secret")).ToString(), StringComparison.Ordinal);

    [Theory]
    [InlineData("0123456789abcde", 1)]
    [InlineData("0123456789abcdef", 0)]
    public void Read_ShortAdminToken_IsAWarningThatDoesNotShowIt(string token, int warnings)
    {
        var all = BalancerSettings.Read(Settings.Of($"ADMIN_TOKEN={token}")).Report.Warnings;

        Assert.Equal(warnings, all.Count);
        Assert.All(all, warning => Assert.DoesNotContain(token, warning, StringComparison.Ordinal));
    }

    [Fact]
    public void Read_ListenAddress_TakesBothFamilies() => Assert.Equal(
        ["127.0.0.1", "::1", "0.0.0.0"],
        BalancerSettings.Read(Settings.Of("LISTEN_ADDRESS=127.0.0.1, [::1], 127.0.0.1,0.0.0.0")).Listening.Listen.Addresses.Select(address => address.ToString()));

    private static IReadOnlyList<string> Refusals(params string[] pairs) =>
        Assert.Throws<InvalidSettingsException>(() => BalancerSettings.Read(Settings.Of(pairs))).Lines;
}
