using Kiro.ServiceDefaults.Printing;

namespace Kiro.Tests.ServiceDefaults.Printing;

public sealed class PrintableTextTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("api-3 (größe 5 %)", "api-3 (größe 5 %)")]
    [InlineData("節点 🚀", "節点 🚀")]
    [InlineData("\u001b[31mred", " [31mred")]
    [InlineData("🚀\u001b[2J🚀", "🚀 [2J🚀")]
    [InlineData("a\tb\nc\u2028d", "a b c d")]
    [InlineData("a\u009bb", "a b")]
    [InlineData("api\u202e3-", "api3-")]
    [InlineData("a\u200bb\ufeffc\u2066d", "abcd")]
    [InlineData("a\u0378b", "ab")]
    public void Of_Text_KeepsPrintableCharacters(string text, string shown) => Assert.Equal(shown, PrintableText.Of(text));

    // A lone surrogate cannot be encoded.
    [Fact]
    public void Of_LoneSurrogate_IsDropped() => Assert.Equal("ab", PrintableText.Of("a\ud800b\udc00"));
}
