using Kiro.Balancer;
using Kiro.ServiceDefaults.Settings;
using Kiro.Tests.Support;

namespace Kiro.Tests.ServiceDefaults;

public sealed class LookAlikesTests
{
    [Theory]
    [InlineData("BACKEND_HOST", "BACKEND_HOSTS")]
    [InlineData("HEALTH_INTERVALL", "HEALTH_INTERVAL")]
    [InlineData("MYSQLHOST", "MYSQL_HOST")]
    [InlineData("mysql-host", "MYSQL_HOST")]
    [InlineData("BALANCERPORT", "BALANCER_PORT")]
    [InlineData("BALANCE_PORT", "BALANCER_PORT")]
    [InlineData("TRUSTED_PROXY", "TRUSTED_PROXIES")]
    [InlineData("HEALTH_TIMEOUTS", "HEALTH_TIMEOUT")]
    [InlineData("HASH_SED", "HASH_SEED")]
    [InlineData("ADMIN_TOKNE", "ADMIN_TOKEN")]
    [InlineData("ADMINTOKEN", "ADMIN_TOKEN")]
    [InlineData("ACESS_LOG", "ACCESS_LOG")]
    [InlineData("NODENAME", "NODE_NAME")]
    [InlineData("LIMIT_CONNECTION", "LIMIT_CONNECTIONS")]
    [InlineData("DRAIN_DELY", "DRAIN_DELAY")]
    [InlineData("TLS_CERT", "TLS_CERTIFICATE")]
    [InlineData("TLS_CLIENT_CA_FILE", "TLS_CLIENT_CA")]
    [InlineData("TLS_KEY_FILE", "TLS_KEY")]
    public void Meant_Typo_IsTheSetting(string name, string meant) => Assert.Equal(meant, LookAlikes.Meant(name));

    [Theory]
    [InlineData("PATH")]
    [InlineData("HOME")]
    [InlineData("HOST")]
    [InlineData("SORT")]
    [InlineData("HOSTNAME")]
    [InlineData("MYSQL_ROOT_PASSWORD")]
    [InlineData("LOGNAME")]
    [InlineData("SHELL")]
    [InlineData("TERM")]
    [InlineData("http_proxy")]
    [InlineData("SSL_CERT_FILE")]
    // The prefix of a setting, but similar to none.
    [InlineData("TLS_CRT")]
    [InlineData("HEALTH_URL")]
    [InlineData("BALANCER_HOSTS")]
    public void Meant_UnrelatedName_IsNull(string name) => Assert.Null(LookAlikes.Meant(name));

    [Theory]
    [InlineData("BACKEND_HOST", "a:1", "BACKEND_HOST is not a setting. Did you mean BACKEND_HOSTS?")]
    [InlineData("BACKEND_HOST", "", null)]
    [InlineData("BACKEND_SERVERS", "a:1", "BACKEND_SERVERS is not a setting. There is BACKEND_HOSTS.")]
    [InlineData("backends", "a:1", "backends is not a setting. There is BACKEND_HOSTS.")]
    [InlineData("HEALTH_URL", "/x", "HEALTH_URL is not a setting. There are HEALTH_FALL, HEALTH_INTERVAL.")]
    [InlineData("STICKY", "cookie", null)]
    [InlineData("backend_hosts", "a:1", null)]
    // A setting of another program, which will warn of it itself.
    [InlineData("NODENAME", "a", null)]
    [InlineData("BACKEND_PORT_80_TCP", "tcp://10.0.0.1:80", null)]
    [InlineData("BACKEND_SERVICE_HOST", "10.0.0.1", null)]
    [InlineData("HEALTH_SERVICE_PORT_HTTP", "80", null)]
    [InlineData("services__api__http__0", "http://a", null)]
    [InlineData("Logging__LogLevel__Default", "Debug", null)]
    [InlineData("OTEL_SERVICE_NAME", "a", null)]
    public void Find_Variable_WarnsOfTypos(string name, string value, string? warning)
    {
        var own = (string[])["BACKEND_HOSTS", "HEALTH_INTERVAL", "HEALTH_FALL"];

        Assert.Equal(warning is null ? [] : [warning], LookAlikes.Find([KeyValuePair.Create<string, string?>(name, value)], own));
    }

    [Theory]
    [InlineData("", "", 0)]
    [InlineData("A", "", 1)]
    [InlineData("KITTEN", "SITTING", 3)]
    [InlineData("TOKEN", "TOKNE", 1)]
    public void Distance_OfTwoWords_IsTheNumberOfEdits(string a, string b, int distance) => Assert.Equal(distance, LookAlikes.Distance(a, b));

    [Fact]
    public void Known_Names_IncludeThoseOfTheProgramsAndTheExample()
    {
        var read = BalancerSettings.Read(Settings.Of()).Report.Settings.Concat(Kiro.Api.ApiSettings.Read(Settings.Of()).Report.Settings)
            .Select(setting => setting.Name);
        var example = File.ReadLines(Path.Combine(Repository.Root, ".env.example"))
            .Select(line => line.TrimStart('#', ' ').Split('=')).Where(parts => parts.Length > 1 && parts[0].All(letter => char.IsAsciiLetterUpper(letter) || char.IsAsciiDigit(letter) || letter == '_'))
            .Select(parts => parts[0]);

        Assert.Equal([], read.Concat(example).Where(name => !KnownSettings.IsOfTheFramework(name)).Except(KnownSettings.All, StringComparer.OrdinalIgnoreCase));
    }
}
