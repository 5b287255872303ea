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
    public async Task Status_OfTheNode_IsItsAnswerAndNotRetried(int status)
    {
        await using var first = await TestBackend.StartAsync("first");
        await using var second = await TestBackend.StartAsync("second");
        await using var balancer = await TestBalancer.StartAsync($"{first.Host},{second.Host}");
        using var request = balancer.Request(HttpMethod.Get, $"/status/{status}", first.Port);

        using var answer = await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal($"status {status} of first", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Single(first.Arrived);
        Assert.Empty(second.Arrived);
        Assert.Equal(0, balancer.Backend(first.Port).Counters.Failures);
        Assert.Equal(0, balancer.Counters.Errors);
        Assert.False(answer.Headers.Contains("Retry-After"));
    }

    [Theory]
    [InlineData("GET /a HTTP/1.1\r\nHost: a.example\r\nA Field: 1\r\n\r\n", 400)]
    [InlineData("GET /a HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET /a HTTP/3.1\r\nHost: a.example\r\n\r\n", 505)]
    public async Task Head_ThatCannotBeRead_IsCountedAsTheBalancersOwnResponse(string head, int status)
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var answer = await RawClient.ExchangeAsync(balancer.Port, head);

        Assert.Equal(status, answer.Status);
        await Eventually.BeTrue(() => balancer.Own.Sum().OfClass(status / 100) == 1, "its count");
        Assert.Empty(node.Arrived);
    }
}
