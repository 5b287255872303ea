using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Admin;

public sealed class StatusPageTests
{
    [Fact]
    public async Task Page_Policy_AllowsTheScriptThatIsInItAndNoOther()
    {
        await using var balancer = await BalancerInProcess.Start();

        using var response = await balancer.Http.GetAsync("/lb", TestContext.Current.CancellationToken);
        var html = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        var script = Assert.Single(Regex.Matches(html, "<script[^>]*>(.*?)</script>", RegexOptions.Singleline));
        var hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script.Groups[1].Value)));
        var policy = Assert.Single(response.Headers.GetValues("Content-Security-Policy")).Split("; ");
        Assert.Contains("default-src 'none'", policy);
        Assert.Contains($"script-src 'sha256-{hash}'", policy);
        Assert.Contains("connect-src 'self'", policy);
        Assert.Contains("frame-ancestors 'none'", policy);
        // What the policy would block silently: event handlers, files, other hosts.
        Assert.DoesNotMatch("""\son[a-z]+\s*=\s*"|<script\s+src|<link[^>]+stylesheet|https?://""", html);
    }

    [Fact]
    public async Task Page_Headers_KeepItFreshAndToItself()
    {
        await using var balancer = await BalancerInProcess.Start();

        using var response = await balancer.Http.GetAsync("/lb", TestContext.Current.CancellationToken);

        Assert.Equal("text/html; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("no-store", response.Headers.CacheControl!.ToString());
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("no-referrer", Assert.Single(response.Headers.GetValues("Referrer-Policy")));
    }
}
