using System.Net;
using Kiro.Balancer.Admin;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Admin;

public sealed class StreamLimitTests
{
    [Fact]
    public async Task Events_AClientHasAllItsStreams_IsRefusedUntilOneEndsAndOthersAreNot()
    {
        await using var balancer = await BalancerInProcess.Start();
        var streams = await OpenAllAsync(balancer, _ => "203.0.113.7");

        using (var refused = await OpenAsync(balancer, "203.0.113.7"))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.Equal(TimeSpan.FromSeconds(5), refused.Headers.RetryAfter!.Delta);
            Assert.Equal(ProblemText.Of(503, "Service Unavailable", "too many streams of events are open"), await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        using (var other = await OpenAsync(balancer, "203.0.113.8"))
        {
            Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        }

        streams[3].Dispose();
        await Eventually.BeTrue(async () =>
        {
            using var again = await OpenAsync(balancer, "203.0.113.7");
            return again.StatusCode == HttpStatusCode.OK;
        }, "there is room again");
        streams.ForEach(stream => stream.Dispose());
    }

    [Theory]
    [InlineData("127.0.0.0/8", "2001:db8:1:2::", "2001:db8:1:2:ffff::1", "2001:db8:1:3::1")]
    [InlineData("none", "203.0.113.", "198.51.100.1", null)]
    public async Task Events_ManyAddresses_AreTheClientThatIsHashed(string trusted, string addresses, string same, string? other)
    {
        await using var balancer = await BalancerInProcess.Start("TRUSTED_PROXIES=" + trusted);
        var streams = await OpenAllAsync(balancer, number => $"{addresses}{number}");

        using var refused = await OpenAsync(balancer, same);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        if (other is not null)
        {
            using var answered = await OpenAsync(balancer, other);
            Assert.Equal(HttpStatusCode.OK, answered.StatusCode);
        }

        streams.ForEach(stream => stream.Dispose());
    }

    private static async Task<List<HttpResponseMessage>> OpenAllAsync(BalancerInProcess balancer, Func<int, string> address)
    {
        var streams = new List<HttpResponseMessage>();
        for (var number = 1; number <= StreamLimit.MaxStreams; number++)
        {
            streams.Add(await OpenAsync(balancer, address(number)));
            Assert.Equal(HttpStatusCode.OK, streams[^1].StatusCode);
        }

        return streams;
    }

    private static async Task<HttpResponseMessage> OpenAsync(BalancerInProcess balancer, string forwardedFor)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/lb/events");
        request.Headers.Add("X-Forwarded-For", forwardedFor);
        return await balancer.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }
}
