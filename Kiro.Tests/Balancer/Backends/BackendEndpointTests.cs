using Kiro.Balancer.Backends;

namespace Kiro.Tests.Balancer.Backends;

public sealed class BackendEndpointTests
{
    [Theory]
    [InlineData("api-1", 13004, "api-1:13004", "api-1:13004")]
    [InlineData("API-1", 13004, "api-1:13004", "API-1:13004")]
    [InlineData("10.0.0.1", 80, "10.0.0.1:80", "10.0.0.1:80")]
    [InlineData("2001:db8::1", 80, "[2001:db8::1]:80", "[2001:db8::1]:80")]
    public void Id_Host_IsLowerCaseAndBracketed(string host, int port, string id, string authority)
    {
        var endpoint = new BackendEndpoint(host, port);

        Assert.Equal(id, endpoint.Id);
        Assert.Equal(id, new Backend(host, port).Id);
        Assert.Equal(authority, new Backend(host, port).Authority);
        Assert.True(Uri.TryCreate(new Backend(host, port).UrlPrefix, UriKind.Absolute, out _));
    }

    [Fact]
    public void Id_Weight_DoesNotCount() =>
        Assert.Equal(new BackendEndpoint("api-1", 80, 1).Id, new BackendEndpoint("api-1", 80, 2).Id);
}
