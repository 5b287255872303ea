using System.Security.Cryptography;
using System.Text;
using Kiro.Balancer;
using Kiro.ServiceDefaults.Pages;

namespace Kiro.Tests.ServiceDefaults.Pages;

public sealed class HtmlPageTests
{
    public static TheoryData<string> Assemblies => [typeof(BalancerSettings).Assembly.GetName().Name!, typeof(Kiro.Api.ApiSettings).Assembly.GetName().Name!];

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void Html_EmbeddedPages_AreSmallAndLoadNothing(string assembly)
    {
        var html = HtmlPage.Embedded(System.Reflection.Assembly.Load(assembly), "status.html").Html;

        Assert.InRange(Encoding.UTF8.GetByteCount(html), 1, 100_000);
        // The pages link to and load from no other host.
        Assert.DoesNotMatch("""https?://""", html);
        // What the Content-Security-Policy would silently block, and what would allow injection from a node's response.
        Assert.DoesNotMatch("""\son[a-z]+\s*=\s*"|\sstyle\s*=\s*"|<script\s|<style\s|<link[^>]+stylesheet|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(""", html);
        // Pages store nothing in the browser.
        Assert.DoesNotMatch("localStorage|sessionStorage|document\\.cookie|indexedDB", html);
    }

    [Fact]
    public void Policy_Page_AllowsItsOwnScriptAndStyleAndNothingElse()
    {
        var page = new HtmlPage("<style>a{}</style>\r\n<script>let a;\r\n</script>");

        Assert.Equal(
            $"default-src 'none'; script-src '{Hash("let a;\n")}'; style-src '{Hash("a{}")}'; "
            + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            page.Policy);
        Assert.DoesNotContain('\r', page.Html);
    }

    [Theory]
    [InlineData("<style></style>")]
    [InlineData("<script></script><style></style><script></script>")]
    [InlineData("<script><style></style>")]
    public void Policy_NotOneScriptAndOneStyle_Throws(string html) =>
        Assert.Throws<InvalidOperationException>(() => new HtmlPage(html));

    [Fact]
    public void Embedded_NoSuchPage_NamesIt() => Assert.Contains(
        "no resource nothing.html",
        Assert.Throws<InvalidOperationException>(() => HtmlPage.Embedded(typeof(HtmlPageTests).Assembly, "nothing.html")).Message,
        StringComparison.Ordinal);

    private static string Hash(string text) => $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";
}
