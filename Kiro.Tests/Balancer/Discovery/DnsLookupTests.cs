using Kiro.Balancer.Discovery;

namespace Kiro.Tests.Balancer.Discovery;

public sealed class DnsLookupTests
{
    [Fact]
    public async Task FindAsync_Localhost_IsTheLoopbackAddresses()
    {
        var found = await new DnsLookup("localhost", 13004, TimeProvider.System).FindAsync(TestContext.Current.CancellationToken);

        Assert.Contains("127.0.0.1:13004", found.Select(endpoint => endpoint.Id));
        Assert.All(found, endpoint => Assert.True(endpoint.Id is "127.0.0.1:13004" or "[::1]:13004", endpoint.Id));
        Assert.All(found, endpoint => Assert.Equal(1, endpoint.Weight));
    }

    [Fact]
    public async Task FindAsync_NameThatDoesNotExist_Throws() => await Assert.ThrowsAnyAsync<Exception>(
        () => new DnsLookup("no-such-host.invalid", 13004, TimeProvider.System).FindAsync(TestContext.Current.CancellationToken));
}
