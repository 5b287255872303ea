using System.Net;
using Kiro.Balancer.Admin;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Admin;

public sealed class WhatIfLimitTests
{
    [Fact]
    public async Task WhatIf_AClientAsksTooOften_IsToldToWaitAndAnsweredThenAndOthersAtOnce()
    {
        await using var unprobed = await UnprobedBalancer.Start();
        unprobed.SetStates("up up up");
        for (var question = 0; question < WhatIfLimit.MaxAtOnce; question++)
        {
            using var answered = await AskAsync(unprobed, "203.0.113.7");
            Assert.Equal(HttpStatusCode.OK, answered.StatusCode);
        }

        using (var refused = await UntilRefusedAsync(unprobed, "203.0.113.7"))
        {
            Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter!.Delta);
            Assert.Equal("no-store", refused.Headers.CacheControl!.ToString());
            Assert.Equal("application/problem+json", refused.Content.Headers.ContentType!.ToString());
            Assert.Equal(
                ProblemText.Of(429, "Too Many Requests", "too many questions from your address, ask again in a second"),
                await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        Assert.Equal(HttpStatusCode.OK, await CodeAsync(unprobed, "203.0.113.8"));
        await Eventually.BeTrue(async () => await CodeAsync(unprobed, "203.0.113.7") == HttpStatusCode.OK, "it may ask again");
    }

    [Theory]
    [InlineData("127.0.0.0/8", "2001:db8:1:2::1", "2001:db8:1:2:ffff::1", "2001:db8:1:3::1")]
    [InlineData("none", "203.0.113.7", "198.51.100.1", null)]
    public async Task WhatIf_ManyAddresses_AreTheClientThatIsHashed(string trusted, string first, string same, string? other)
    {
        await using var unprobed = await UnprobedBalancer.Start("TRUSTED_PROXIES=" + trusted);
        unprobed.SetStates("up up up");

        // On a slow machine the bucket may have refilled; another client would then have more tokens than are tried here.
        var codes = new List<HttpStatusCode>();
        while (codes.Count < WhatIfLimit.MaxAtOnce / 2 && !codes.Contains(HttpStatusCode.TooManyRequests))
        {
            (await UntilRefusedAsync(unprobed, first)).Dispose();
            codes.Add(await CodeAsync(unprobed, same));
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, codes[^1]);
        if (other is not null)
        {
            Assert.Equal(HttpStatusCode.OK, await CodeAsync(unprobed, other));
        }
    }

    [Fact]
    public async Task WhatIf_WithTheToken_HasNoLimitAndWithAWrongOneTheUsual()
    {
        await using var unprobed = await UnprobedBalancer.Start("ADMIN_TOKEN=secret");
        unprobed.SetStates("up up up");
        // After too many wrong tokens from an address it is ignored, so the operator has another one.
        (await UntilRefusedAsync(unprobed, "203.0.113.8", token: "wrong")).Dispose();

        for (var question = 0; question < 5 * WhatIfLimit.MaxAtOnce; question++)
        {
            using var answered = await AskAsync(unprobed, "203.0.113.7", "secret");
            Assert.Equal(HttpStatusCode.OK, answered.StatusCode);
        }

        // The operator's requests do not lift the limit for others.
        (await UntilRefusedAsync(unprobed, "203.0.113.7")).Dispose();
    }

    [Fact]
    public async Task WhatIf_IsTheOnlyQuestionThatIsCounted()
    {
        await using var unprobed = await UnprobedBalancer.Start();
        (await UntilRefusedAsync(unprobed, "203.0.113.7")).Dispose();

        for (var question = 0; question < 2 * WhatIfLimit.MaxAtOnce; question++)
        {
            Assert.Equal("203.0.113.7", (await unprobed.Balancer.Status("203.0.113.7")).GetProperty("client").GetProperty("ip").GetString());
        }
    }

    /// <summary>Asks faster than the bucket refills, even on a slow machine.</summary>
    private static async Task<HttpResponseMessage> UntilRefusedAsync(UnprobedBalancer unprobed, string address, string? token = null)
    {
        for (var question = 0; question < 1000; question++)
        {
            // An invalid question counts as well, and is the cheapest for the balancer.
            var answer = await AskAsync(unprobed, address, token, query: "");
            if (answer.StatusCode == HttpStatusCode.TooManyRequests)
            {
                return answer;
            }

            answer.Dispose();
        }

        throw new InvalidOperationException("Nobody is refused.");
    }

    private static async Task<HttpStatusCode> CodeAsync(UnprobedBalancer unprobed, string address)
    {
        using var answer = await AskAsync(unprobed, address);
        return answer.StatusCode;
    }

    private static async Task<HttpResponseMessage> AskAsync(
        UnprobedBalancer unprobed, string address, string? token = null, string query = "?nodes=6")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/lb/what-if" + query);
        request.Headers.Add("X-Forwarded-For", address);
        if (token is not null)
        {
            request.Headers.Add("Authorization", "Bearer " + token);
        }

        return await unprobed.Balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
