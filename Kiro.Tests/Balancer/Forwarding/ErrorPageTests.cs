using System.Net;
using System.Text;
using Kiro.Balancer.Forwarding;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

public sealed class ErrorPageTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Theory]
    [InlineData("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8")]
    [InlineData("*/*", "application/problem+json")]
    [InlineData("application/json", "application/problem+json")]
    [InlineData(null, "application/problem+json")]
    public async Task Response_NoNodeIsUp_IsHtmlForBrowsersAndProblemDetailsOtherwise(string? accept, string type)
    {
        await using var balancer = await TestBalancer.StartUnreadyAsync($"127.0.0.1:{FreePort.Next()}");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/status.html");
        request.Headers.TryAddWithoutValidation("Accept", accept);

        using var response = await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(type, response.Content.Headers.ContentType!.ToString());
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Contains("the only node is not up: connection refused", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Response_CustomPage_IsThatPage()
    {
        await File.WriteAllTextAsync(_file, "<h1>Sorry, {{status}} {{title}}</h1><p>{{detail}}", TestContext.Current.CancellationToken);
        await using var balancer = await TestBalancer.StartUnreadyAsync("", "BACKEND_DNS=no-such-name.invalid", "ERROR_PAGE=" + _file);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.TryAddWithoutValidation("Accept", "text/html");

        using var response = await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal("<h1>Sorry, 503 Service Unavailable</h1><p>no node is known", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Body_DetailWithMarkup_IsEncoded()
    {
        var body = new ErrorPage("<p>{{detail}}").Body(502, "<script>");

        Assert.Equal("<p>&lt;script&gt;", Encoding.UTF8.GetString(body));
    }

    [Fact]
    public void IsFor_ClientError_IsFalse() => Assert.False(ErrorPage.IsFor(400, "text/html"));

    [Fact]
    public void Read_NoSuchFile_IsRejected() => Assert.Equal(
        ["ERROR_PAGE=/no/such/file is not valid: expected a readable HTML file of at most 256 KB."],
        Settings.Refusals(ErrorPage.Read, "ERROR_PAGE=/no/such/file"));
}
