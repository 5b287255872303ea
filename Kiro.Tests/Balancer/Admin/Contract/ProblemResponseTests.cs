using System.Net;
using System.Text;
using Kiro.Balancer.Admin.Contract;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Admin.Contract;

public sealed class ProblemResponseTests
{
    [Theory]
    [InlineData(400, "Bad Request")]
    [InlineData(429, "Too Many Requests")]
    [InlineData(502, "Bad Gateway")]
    [InlineData(503, "Service Unavailable")]
    [InlineData(504, "Gateway Timeout")]
    public void Body_Status_HasTheMembersOfRfc9457AndTheOldError(int status, string title) =>
        Assert.Equal(ProblemText.Of(status, title, "no response in time"), Encoding.UTF8.GetString(ProblemResponse.Body(status, "no response in time")));

    [Theory]
    [InlineData("GET", "/lb/no-such-thing", 404, "the balancer has no such path")]
    [InlineData("POST", "/lb", 404, "the balancer has no such path")]
    [InlineData("GET", "/lb/what-if?nodes=0", 400, "nodes must be a whole number from 1 to 1000")]
    [InlineData("GET", "/lb/admin", 401, "this needs the header Authorization: Bearer with the ADMIN_TOKEN")]
    [InlineData("POST", "/lb/backends/api-9/drain", 401, "this needs the header Authorization: Bearer with the ADMIN_TOKEN")]
    [InlineData("GET", "/anything", 503, "no node is known")]
    public async Task Errors_OfTheBalancer_AreProblemDetails(string method, string target, int status, string detail)
    {
        await using var balancer = await BalancerInProcess.Start("BACKEND_HOSTS=", "BACKEND_DNS=no-such-name.invalid", "ADMIN_TOKEN=secret");
        using var request = new HttpRequestMessage(new HttpMethod(method), target);

        using var response = await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode)status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(Encoding.UTF8.GetString(ProblemResponse.Body(status, detail)), await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
