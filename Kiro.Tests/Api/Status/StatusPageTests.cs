using System.Text;
using Kiro.Api.Status;

namespace Kiro.Tests.Api.Status;

public sealed class StatusPageTests
{
    private readonly StatusPage _page = new();

    [Fact]
    public void Html_Page_LoadsNothingFromElsewhere()
    {
        var html = Encoding.UTF8.GetString(_page.Html);

        Assert.DoesNotContain("http://", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("https://", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("innerHTML", html, StringComparison.Ordinal);
        Assert.DoesNotContain(" style=", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Policy_Page_AllowsItsScriptAndStyleByHash() =>
        Assert.Matches(@"^default-src 'none'; script-src 'sha256-[\w+/]{43}='; style-src 'sha256-[\w+/]{43}=';", _page.Policy);
}
