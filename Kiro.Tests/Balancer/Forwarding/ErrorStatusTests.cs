using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

public class ErrorStatusTests
{
    [Theory]
    [InlineData(400)]
    [InlineData(404)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public async Task Status_FromTheNode_IsForwardedAndNotRetried(int status)
    {
        await using var first = await TestBackend.StartAsync("first");
        await using var second = await TestBackend.StartAsync("second");
        await using var balancer = await TestBalancer.StartAsync($"{first.Host},{second.Host}");
        using var request = balancer.Request(HttpMethod.Get, $"/status/{status}", first.Port);

        using var response = await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal($"status {status} of first", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Single(first.Arrived);
        Assert.Empty(second.Arrived);
        Assert.Equal(0, balancer.Backend(first.Port).Counters.Failures);
        Assert.Equal(0, balancer.Counters.Errors);
        Assert.False(response.Headers.Contains("Retry-After"));
    }

    [Theory]
    [InlineData("GET /a HTTP/1.1\r\nHost: a.example\r\nA Field: 1\r\n\r\n", 400)]
    [InlineData("GET /a HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET /a HTTP/3.1\r\nHost: a.example\r\n\r\n", 505)]
    public async Task Head_Malformed_IsCountedAsTheBalancersOwnResponse(string head, int status)
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await RawClient.ExchangeAsync(balancer.Port, head);

        Assert.Equal(status, response.Status);
        await Eventually.BeTrue(() => balancer.Own.Sum().OfClass(status / 100) == 1, "the response is counted");
        Assert.Empty(node.Arrived);
    }
}
