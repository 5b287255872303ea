using System.Net;
using Kiro.Yarp;
using Microsoft.Extensions.Options;

namespace Kiro.Tests.Yarp;

/// <summary>Which part of a request is the hash key.</summary>
public sealed class ClientKeyTests
{
    private static readonly (string, double)[] Fifty = [.. Enumerable.Range(1, 50).Select(node => ($"10.0.0.{node}:8080", 1.0))];
    private static readonly IPAddress Proxy = IPAddress.Loopback;
    private static readonly IPAddress Stranger = new([198, 51, 100, 1]);

    [Fact]
    public void Key_BehindATrustedProxy_IsTheForwardedClient()
    {
        Assert.Equal(Pick("ip", new IPAddress([203, 0, 113, 7])), Pick("ip", Proxy, ("X-Forwarded-For", "203.0.113.7")));
        Assert.Equal(Pick("ip", new IPAddress([203, 0, 113, 7])), Pick("ip", Proxy, ("X-Forwarded-For", "192.0.2.1, 203.0.113.7")));
        Assert.Equal(Pick("ip", new IPAddress([203, 0, 113, 7])), Pick("ip", Proxy, ("Forwarded", "for=203.0.113.7;proto=https")));
    }

    [Fact]
    public void Key_UntrustedPeer_IsItsAddressWhateverItSends() =>
        Assert.All(Enumerable.Range(0, 50), number =>
            Assert.Equal(Pick("ip", Stranger), Pick("ip", Stranger, ("X-Forwarded-For", $"203.0.113.{number}"))));

    [Theory]
    [InlineData("header:X-Tenant", "X-Tenant")]
    [InlineData("cookie:sid", "Cookie")]
    public void Key_HeaderOrCookie_ReplacesTheAddress(string key, string header)
    {
        string Value(string tenant) => header == "Cookie" ? $"other=1; sid={tenant}" : tenant;

        Assert.Equal(Pick(key, Stranger, (header, Value("acme"))), Pick(key, Proxy, (header, Value("acme"))));
        var picked = Enumerable.Range(0, 200).Select(number => Pick(key, Stranger, (header, Value($"tenant-{number}")))).Distinct().Count();
        Assert.InRange(picked, 40, 50);
    }

    [Theory]
    [InlineData("header:X-Tenant")]
    [InlineData("cookie:sid")]
    public void Key_Missing_IsTheAddress(string key)
    {
        Assert.Equal(Pick("ip", Stranger), Pick(key, Stranger));
        Assert.Equal(Pick("ip", Stranger), Pick(key, Stranger, ("X-Tenant", ""), ("Cookie", "sid=")));
    }

    [Fact]
    public void Key_LongAndNotAscii_IsAccepted() =>
        Assert.Equal(
            Pick("header:X-Tenant", Stranger, ("X-Tenant", new string('ü', 5000))),
            Pick("header:X-Tenant", Proxy, ("X-Tenant", new string('ü', 5000))));

    [Fact]
    public void Key_InClusterMetadata_OverridesTheOptions()
    {
        var policy = Destinations.Policy();
        var cluster = Destinations.Cluster(new Dictionary<string, string> { [ClientHashConstants.KeyMetadata] = "header:X-Tenant" }, Fifty);

        var picked = policy.PickDestination(Destinations.Request(Stranger, ("X-Tenant", "acme")), cluster, cluster.DestinationsState.AvailableDestinations);

        Assert.Equal(Pick("header:X-Tenant", Proxy, ("X-Tenant", "acme")), picked!.Authority());
    }

    [Fact]
    public void Seed_Different_ChangesTheMapping()
    {
        var cluster = Destinations.Cluster(null, Fifty);
        var (one, other) = (Destinations.Policy(), Destinations.Policy(options => options.Seed = "secret"));

        Assert.InRange(Destinations.Clients(1000).Count(client => one.Of(cluster, client) == other.Of(cluster, client)), 0, 60);
    }

    [Theory]
    [InlineData("Key", "sticky")]
    [InlineData("Key", "header:")]
    [InlineData("Key", "header:X Tenant")]
    [InlineData("Key", "ip:4")]
    [InlineData("TrustedProxies", "10.0.0.0/8,proxy.example")]
    [InlineData("IPv4Prefix", "33")]
    [InlineData("IPv6Prefix", "0")]
    public void Option_Invalid_IsOneLineThatNamesIt(string option, string value)
    {
        var property = typeof(ClientHashOptions).GetProperty(option)!;
        var problem = Assert.Throws<OptionsValidationException>(() => Destinations.Policy(options =>
            property.SetValue(options, property.PropertyType == typeof(int) ? int.Parse(value, System.Globalization.CultureInfo.InvariantCulture) : value)));

        Assert.StartsWith($"ClientHashOptions.{option} = \"{value}\" is not valid: expected ", problem.Message, StringComparison.Ordinal);
        Assert.Single(problem.Failures);
    }

    private static string Pick(string key, IPAddress peer, params (string, string)[] headers)
    {
        var cluster = Destinations.Cluster(null, Fifty);
        return Destinations.Policy(options => options.Key = key)
            .PickDestination(Destinations.Request(peer, headers), cluster, cluster.DestinationsState.AvailableDestinations)!.Authority();
    }
}
