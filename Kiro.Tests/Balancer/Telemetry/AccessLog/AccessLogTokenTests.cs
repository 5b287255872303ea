using Kiro.Balancer.Telemetry.AccessLog;
using Kiro.Tests.Balancer.Selection;

namespace Kiro.Tests.Balancer.Telemetry.AccessLog;

public class AccessLogTokenTests
{
    [Theory]
    [InlineData(null, "-")]
    [InlineData("", "-")]
    [InlineData("/a/b.c%20d;e=f&g", "/a/b.c%20d;e=f&g")]
    [InlineData("/a b\"c\\d", "/a%20b%22c%5Cd")]
    [InlineData("/a\r\nstatus=200", "/a%0D%0Astatus=200")]
    [InlineData("/a\e[31m\u009b\u2028", "/a%1B[31m%C2%9B%E2%80%A8")]
    [InlineData("/ü", "/%C3%BC")]
    public void Of_Text_IsOneWordOfPrintableAscii(string? text, string expected) => Assert.Equal(expected, AccessLogToken.Of(text));

    [Fact]
    public void Of_LongText_IsCut() => Assert.Equal(new string('a', 512) + "...", AccessLogToken.Of(new string('a', 513)));
}
