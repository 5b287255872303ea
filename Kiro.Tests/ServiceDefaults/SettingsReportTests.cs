using Kiro.Balancer;
using Kiro.ServiceDefaults.Settings;
using Kiro.Tests.Support;

namespace Kiro.Tests.ServiceDefaults;

public sealed class SettingsReportTests
{
    [Fact]
    public void Settings_SetAndUnset_ShowValueAndSource()
    {
        var settings = Report("HEALTH_FALL= 4 ", "ADMIN_TOKEN=0123456789abcdef", "HASH_SEED=abc").Settings.ToDictionary(setting => setting.Name);

        Assert.Equal(new EffectiveSetting("HEALTH_FALL", "4", "configuration"), settings["HEALTH_FALL"]);
        Assert.Equal(new EffectiveSetting("HEALTH_RISE", "2", "default"), settings["HEALTH_RISE"]);
        Assert.Equal(new EffectiveSetting("HEALTH_PATH", "/health", "default"), settings["HEALTH_PATH"]);
        Assert.Equal(new EffectiveSetting("BACKEND_DNS", null, "default"), settings["BACKEND_DNS"]);
        Assert.Equal(new EffectiveSetting("ADMIN_TOKEN", "(hidden)", "configuration"), settings["ADMIN_TOKEN"]);
        Assert.Equal("(hidden)", settings["HASH_SEED"].Value);
    }

    [Theory]
    [InlineData("BACKEND_DNS=api BACKEND_HOSTS=a:1", "BACKEND_HOSTS is not used: the nodes come from BACKEND_DNS.")]
    [InlineData("BACKEND_HOSTS=a:1 BACKEND_COUNT=3", "BACKEND_COUNT is not used: the nodes come from BACKEND_HOSTS.")]
    [InlineData("BACKEND_HOSTS=a:1 BACKEND_COUNT=5 BACKEND_START_PORT=13004 BACKEND_PORT=13004", null)]
    [InlineData("BACKEND_HOSTS=a:1 BACKEND_PORT=80", "BACKEND_PORT is not used: it is the port of the nodes behind BACKEND_DNS, which is unset.")]
    [InlineData("services:api:http:0=http://a:1 BACKEND_HOSTS=b:1", "BACKEND_HOSTS is not used: the nodes come from service discovery (services__api__…).")]
    [InlineData("LIMIT_BURST=3", "LIMIT_BURST is not used: LIMIT_REQUESTS_PER_SECOND is 0, which means no limit.")]
    [InlineData("TRUSTED_PROXIES=0.0.0.0/0", "TRUSTED_PROXIES contains 0.0.0.0/0: any client can forge its address and thus choose its node.")]
    [InlineData("TRUSTED_PROXIES=10.0.0.0/8,::/0", "TRUSTED_PROXIES contains ::/0: any client can forge its address and thus choose its node.")]
    [InlineData("TRUSTED_PROXIES=10.0.0.0/8,fd00::/8,fe80::/10,fc00::/7", null)]
    [InlineData("TRUSTED_PROXIES=0.0.0.0/1,128.0.0.0/1", "TRUSTED_PROXIES contains 0.0.0.0/1: this includes many clients on the internet, which can forge their address and thus choose their node.")]
    [InlineData("TRUSTED_PROXIES=2000::/3", "TRUSTED_PROXIES contains 2000::/3: this includes many clients on the internet, which can forge their address and thus choose their node.")]
    [InlineData("ADMIN_TOKEN=0123456789abcde", "ADMIN_TOKEN is shorter than 16 characters and can be guessed. `openssl rand -hex 24` generates a better one.")]
    [InlineData("ADMIN_TOKEN=changemechangeme", "ADMIN_TOKEN is repetitive and can be guessed. `openssl rand -hex 24` generates a better one.")]
    [InlineData("ADMIN_TOKEN=changemechangemf", null)]
    [InlineData("BACKEND_HOSTS=api:13003,localhost:13003", "The node localhost:13003 is this balancer itself: BALANCER_PORT is 13003. Requests for it are refused as a loop (508).")]
    [InlineData("BACKEND_START_PORT=13000", "The node 127.0.0.1:13003 is this balancer itself: BALANCER_PORT is 13003. Requests for it are refused as a loop (508).")]
    [InlineData("BACKEND_HOSTS=localhost:13003 LISTEN_ADDRESS=192.0.2.1", null)]
    [InlineData("BACKEND_HOSTS=localhost:13003 LISTEN_ADDRESS=192.0.2.1,127.0.0.1 BALANCER_PORT=13003", "The node localhost:13003 is this balancer itself: BALANCER_PORT is 13003. Requests for it are refused as a loop (508).")]
    [InlineData("HEALTH_INTERVAL=2", "HEALTH_TIMEOUT is longer than HEALTH_INTERVAL: a node that hangs is probed less often than HEALTH_INTERVAL.")]
    [InlineData("BACKEND_HOSTS=localhost:1,127.0.0.1:1,127.0.0.1:2", "BACKEND_HOSTS lists one node twice: localhost:1 and 127.0.0.1:1 are the same port of this machine.")]
    [InlineData("BACKEND_HOSTS=127.0.0.1:1,127.0.0.2:1,127.0.0.3:1", null)]
    [InlineData("BACKEND_HOST=a:1", "BACKEND_HOST is not a setting. Did you mean BACKEND_HOSTS?")]
    [InlineData("", null)]
    public void Warnings_SuspiciousSettings_AreOneSentenceEach(string pairs, string? warning) =>
        Assert.Equal(warning is null ? [] : [warning], Report(pairs.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Warnings);

    private static SettingsReport Report(params string[] pairs) => BalancerSettings.Read(Settings.Of(pairs)).Report;
}
