using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Limits;

/// <summary>LIMIT_REQUEST_HEAD, LIMIT_REQUEST_BODY.</summary>
public class RequestSizeTests
{
    [Theory]
    [InlineData("POST", 100, 200)]
    [InlineData("PUT", 100, 200)]
    [InlineData("POST", 101, 413)]
    [InlineData("PUT", 101, 413)]
    [InlineData("POST", 100_000, 413)]
    public async Task Body_WithContentLength_IsAcceptedUpToTheLimit(string method, int length, int status)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "LIMIT_REQUEST_BODY=100");

        var answer = await balancer.ExchangeAsync($"{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{new string('x', length)}");

        Assert.Equal(status, answer.Status);
        Assert.Equal(status == 200 ? 1 : 0, node.Heads.Count);
        var counted = status == 200 ? "2xx" : "4xx";
        await Eventually.BeTrue(
            async () => (await balancer.Http.GetFromJsonAsync<JsonElement>("/lb/status", TestContext.Current.CancellationToken))
                .GetProperty("summary").GetProperty("traffic").GetProperty("responses").GetProperty(counted).GetInt64() == 1,
            "it is counted");
        Assert.Equal(status == 200 ? null : "close", answer.Value("Connection"));
        if (status != 200)
        {
            Assert.Contains("the request body is too large", answer.Body, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("Content-Length: 101\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n65\r\n")]
    public async Task Body_TooLong_IsCountedAndReported(string rest)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "LIMIT_REQUEST_BODY=100");

        for (var request = 0; request < 2; request++)
        {
            Assert.Equal(413, (await balancer.ExchangeAsync($"POST / HTTP/1.1\r\nHost: a\r\n{rest}{new string('x', 101)}\r\n0\r\n\r\n")).Status);
        }

        var status = "";
        await Eventually.BeTrue(
            async () => (status = (await balancer.ExchangeAsync("GET /lb/status HTTP/1.1\r\nHost: a\r\n\r\n")).Body).Contains("\"4xx\":2", StringComparison.Ordinal),
            "both are among the responses");
        Assert.Contains("\"bodies\":{\"max\":100,\"refused\":2}", status, StringComparison.Ordinal);
        Assert.Contains("\"errors\":2", status, StringComparison.Ordinal);
        Assert.Single(balancer.Logs, line => line.Contains("LIMIT_REQUEST_BODY", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Body_TooLong_GetsNo100Continue()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "LIMIT_REQUEST_BODY=100");

        Assert.Equal(413, (await balancer.ExchangeAsync("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n")).Status);
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData(10, 10, 200)]
    [InlineData(1, 100, 200)]
    [InlineData(1, 101, 413)]
    [InlineData(101, 1, 413)]
    public async Task Body_Chunked_IsAcceptedUpToTheLimit(int chunks, int size, int status)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "LIMIT_REQUEST_BODY=100");
        var chunk = $"{size:x};extension=that-counts-for-nothing\r\n{new string('x', size)}\r\n";

        var answer = await balancer.ExchangeAsync(
            $"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{string.Concat(Enumerable.Repeat(chunk, chunks))}0\r\n\r\n");

        Assert.Equal(status, answer.Status);
        if (status != 200)
        {
            Assert.Contains("the request body is too large", answer.Body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Body_ChunkedAndSlow_IsCutOffAtTheLimit()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "LIMIT_REQUEST_BODY=100");
        using var client = await RawClient.ConnectAsync(balancer.Port);
        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (var chunk = 0; chunk < 11; chunk++)
        {
            await client.SendAsync("a\r\n0123456789\r\n");
            await Task.Yield();
        }

        Assert.Equal(413, (await client.ReadResponseAsync()).Status);
    }

    [Theory]
    [InlineData("LIMIT_REQUEST_HEAD=4096", 3000, 200)]
    [InlineData("LIMIT_REQUEST_HEAD=4096", 5000, 431)]
    [InlineData("LIMIT_REQUEST_HEAD=65536", 60_000, 200)]
    [InlineData("LIMIT_REQUEST_HEAD=", 40_000, 431)]
    public async Task Head_OfAnyLength_IsAcceptedUpToTheLimit(string setting, int length, int status)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, setting);

        var answer = await balancer.ExchangeAsync($"GET / HTTP/1.1\r\nHost: a\r\nX-Long: {new string('x', length)}\r\n\r\n");

        Assert.Equal(status, answer.Status);
        Assert.Equal(status == 200 ? 1 : 0, node.Heads.Count);
    }
}

[OverLean]
public sealed class RequestSizeOverLeanTests : RequestSizeTests;

[OverYarp]
public sealed class RequestSizeOverYarpTests : RequestSizeTests;
