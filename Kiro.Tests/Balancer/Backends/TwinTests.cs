using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.Tests.Balancer.Backends;

/// <summary>DNS returns the IPv4 and the IPv6 address of a host, which is one node.</summary>
public sealed class TwinTests
{
    private readonly BackendRegistry _registry = new(new HashingOptions(1, 32, 64), TimeProvider.System, NullLogger<BackendRegistry>.Instance);

    [Fact]
    public void Change_DualStackHost_OnlyIPv4GetsRequests()
    {
        Members("10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2");
        Up("10.0.0.1", "api-1");
        Up("fd00::1", "api-1");
        Up("fd00::2", "api-2");
        Up("10.0.0.2", "api-2");

        Assert.Equal(["10.0.0.1:13004", "10.0.0.2:13004"], UpIds());
        Assert.Equal("the same node is in use at its IPv4 address", Find("fd00::1").Health.Reason);
    }

    [Fact]
    public void Change_IPv4AddressFails_IPv6TakesOverUntilItRecovers()
    {
        Members("10.0.0.1", "fd00::1");
        Up("10.0.0.1", "api-1");
        Up("fd00::1", "api-1");

        _registry.MarkDown(Find("10.0.0.1"), "connection refused");
        Assert.Equal(["[fd00::1]:13004"], UpIds());

        Up("10.0.0.1", "api-1");
        Assert.Equal(["10.0.0.1:13004"], UpIds());
    }

    [Fact]
    public void SetMembers_IPv4AddressIsGone_IPv6TakesOver()
    {
        Members("10.0.0.1", "fd00::1");
        Up("10.0.0.1", "api-1");
        Up("fd00::1", "api-1");

        Members("fd00::1");
        Assert.Equal(["[fd00::1]:13004"], UpIds());

        _registry.MarkDown(Find("10.0.0.1"), "connection refused");
        Assert.Equal(["[fd00::1]:13004"], UpIds());
        Assert.Single(_registry.Current.Backends);
    }

    [Fact]
    public void Change_NodesOfOneFamilyEach_AllGetRequests()
    {
        Members("10.0.0.1", "fd00::2");
        Up("10.0.0.1", "api-1");
        Up("fd00::2", "api-2");

        Assert.Equal(2, UpIds().Count);
    }

    [Fact]
    public void Change_AllReportTheSameName_AreNotOneHost()
    {
        Members("10.0.0.1", "10.0.0.2", "fd00::3");
        Up("10.0.0.1", "api");
        Up("10.0.0.2", "api");
        Up("fd00::3", "api");

        Assert.Equal(3, UpIds().Count);
    }

    private void Members(params string[] hosts) => _registry.SetMembers(hosts.Select(host => new BackendEndpoint(host, 13004)));

    private LiveBackend Find(string host) => _registry.Find(_registry.Current.Backends.Single(known => known.Backend.Host == host).Id);

    private void Up(string host, string node)
    {
        _registry.Name(Find(host).Id, node);
        _registry.Set(Find(host).Id, BackendVerdict.Up);
    }

    private List<string> UpIds() => [.. _registry.Current.Backends.Where(backend => backend.Health.State == BackendState.Up).Select(backend => backend.Id)];
}
