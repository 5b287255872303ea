using System.Net;
using System.Text.Json;
using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.Backends;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Admin.Timeline;

public sealed class EventBroadcastTests
{
    [Fact]
    public async Task Events_ANodeGoesDown_IsSaidAtOnce()
    {
        await using var unprobed = await UnprobedBalancer.Start();
        unprobed.SetStates("up up up");
        using var stream = await OpenAsync(unprobed.Balancer);
        using var reader = new StreamReader(await stream.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        Assert.Equal("text/event-stream", stream.Content.Headers.ContentType!.ToString());
        Assert.True(stream.Headers.CacheControl!.NoStore);

        unprobed.Registry.MarkDown(unprobed.Registry.Find(unprobed.Id), "connection refused");

        using var item = await NextAsync(reader, "down");
        Assert.Equal("connection refused", item.RootElement.GetProperty("reason").GetString());
        Assert.Equal(unprobed.Id, item.RootElement.GetProperty("nodes")[0].GetProperty("id").GetString());
    }

    [Fact]
    public async Task Events_ABrowserComesBack_IsToldWhatItMissed()
    {
        await using var unprobed = await UnprobedBalancer.Start();
        unprobed.SetStates("up up up");
        string seen;
        using (var first = await OpenAsync(unprobed.Balancer))
        {
            using var before = new StreamReader(await first.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
            unprobed.Registry.MarkDown(unprobed.Registry.Find(unprobed.Id), "connection refused");
            seen = await LineAsync(before, "id: ");
        }

        unprobed.Registry.Set(unprobed.Id, BackendVerdict.Up);
        await Eventually.BeTrue(async () => (await Events(unprobed))[0].GetProperty("from").GetString() == "down", "the event is there");

        using var stream = await OpenAsync(unprobed.Balancer, ("Last-Event-ID", seen));
        using var reader = new StreamReader(await stream.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));

        Assert.DoesNotContain("\"kind\":\"started\"", await LineAsync(reader, "data: "), StringComparison.Ordinal);
        Assert.NotEqual(seen, await LineAsync(reader, "id: "));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("8de0000000000000-1")]
    public async Task Events_ABrowserComesBackAfterARestart_IsToldAllSinceThen(string seen)
    {
        await using var unprobed = await UnprobedBalancer.Start();
        await Eventually.BeTrue(async () => (await Events(unprobed)).Count > 1, "there is more than the start");

        using var stream = await OpenAsync(unprobed.Balancer, ("Last-Event-ID", seen));
        using var reader = new StreamReader(await stream.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));

        Assert.Contains("\"kind\":\"started\"", await LineAsync(reader, "data: "), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_TooManyStreams_IsRefusedUntilOneEnds()
    {
        await using var unprobed = await UnprobedBalancer.Start();
        var streams = new List<HttpResponseMessage>();
        for (var stream = 0; stream < EventBroadcast.MaxStreams; stream++)
        {
            // Each from a different client, because there is a limit per client, too.
            streams.Add(await OpenAsync(unprobed.Balancer, ("X-Forwarded-For", $"203.0.113.{stream}")));
        }

        using (var refused = await OpenAsync(unprobed.Balancer))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        streams.ForEach(stream => stream.Dispose());
        await Eventually.BeTrue(async () =>
        {
            using var again = await OpenAsync(unprobed.Balancer);
            return again.StatusCode == HttpStatusCode.OK;
        }, "there is room again");
    }

    [Fact]
    public async Task Events_TheBalancerIsToldToStop_EndsAtOnce()
    {
        await using var unprobed = await UnprobedBalancer.Start();
        using var stream = await OpenAsync(unprobed.Balancer);
        await using var body = await stream.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        var end = new StreamReader(body).ReadToEndAsync(TestContext.Current.CancellationToken);

        unprobed.Balancer.App.Lifetime.StopApplication();

        Assert.StartsWith("retry: ", await end.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private static async Task<HttpResponseMessage> OpenAsync(BalancerInProcess balancer, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/lb/events");
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        return await balancer.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    private static async Task<List<JsonElement>> Events(UnprobedBalancer unprobed) =>
        [.. (await unprobed.Balancer.Status()).GetProperty("events").EnumerateArray()];

    private static async Task<string> LineAsync(StreamReader reader, string start)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await reader.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.StartsWith(start, StringComparison.Ordinal))
            {
                return line[start.Length..];
            }
        }

        throw new InvalidOperationException("The stream ended.");
    }

    private static async Task<JsonDocument> NextAsync(StreamReader reader, string kind)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await reader.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal) && line.Contains($"\"kind\":\"{kind}\"", StringComparison.Ordinal))
            {
                return JsonDocument.Parse(line["data: ".Length..]);
            }
        }

        throw new InvalidOperationException("The stream ended.");
    }
}
