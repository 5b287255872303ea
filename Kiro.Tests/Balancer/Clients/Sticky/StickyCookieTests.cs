using System.Text;
using Kiro.Balancer.Clients;
using Kiro.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Kiro.Tests.Balancer.Clients.Sticky;

public sealed class StickyCookieTests
{
    private readonly StickyCookie _cookie = new("kiro");

    [Theory]
    [InlineData("kiro=abc", "abc")]
    [InlineData("a=1; kiro=abc; b=2", "abc")]
    [InlineData("a=1;kiro=abc;b=2", "abc")]
    [InlineData("a=1;\t kiro =\tabc ", "abc")]
    [InlineData("kiro=; kiro=abc", "abc")]
    [InlineData("kiro=abc; kiro=def", "abc")]
    [InlineData("kiro=a=b=", "a=b=")]
    [InlineData("kiro=\"a b\"", "\"a b\"")]
    [InlineData("kiro=\u00FF\u0080", "\u00FF\u0080")]
    [InlineData("=x; ;; kiro=abc;", "abc")]
    public void Find_Cookie_IsTheFirstValidValue(string line, string value)
    {
        Assert.Equal(StickyKey.Of(value.AsSpan()), _cookie.Find(line));
        Assert.Equal(value, _cookie.ValueIn(line));
        Assert.True(_cookie.IsIn(Encoding.Latin1.GetBytes(line)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("kiro")]
    [InlineData("kiro=")]
    [InlineData("kiro=  ")]
    [InlineData("KIRO=abc")]
    [InlineData("xkiro=abc; kirox=def; a=kiro=abc")]
    [InlineData("; ; =; ==kiro")]
    public void Find_NoValidValue_IsNull(string line) => Assert.Null(_cookie.Find(line));

    [Fact]
    public void Find_ValueAtTheMaximum_IsAcceptedAndLongerIsNot()
    {
        Assert.NotNull(_cookie.Find($"kiro={new string('x', StickyCookie.MaxValue)}"));
        Assert.Null(_cookie.Find($"kiro={new string('x', StickyCookie.MaxValue + 1)}"));
    }

    [Fact]
    public void Find_LongLines_AreSearchedToTheEnd() =>
        Assert.Equal(StickyKey.Of("abc"u8), _cookie.Find(new([$"a={new string('x', 5000)}", "b=2", $"c={new string('x', 5000)}; kiro=abc"])));

    [Theory]
    [InlineData("kiro=abc", "")]
    [InlineData(" kiro=abc ; ", "")]
    [InlineData("kiro=abc; a=1", "a=1")]
    [InlineData("a=1; kiro=abc", "a=1")]
    [InlineData("a=1; kiro=abc; b=2", "a=1; b=2")]
    [InlineData("a=1;kiro=abc;b=2", "a=1;b=2")]
    [InlineData("kiro=1; a=1;  b=2; kiro=; kiro=3", "a=1;  b=2")]
    [InlineData("kiro; a=1; KIRO=1; kirox=1; kiro=1", "kiro; a=1; KIRO=1; kirox=1")]
    public void Remove_Cookie_LeavesTheOthersUnchanged(string line, string expected)
    {
        var output = new byte[line.Length];
        var length = _cookie.Remove(Encoding.Latin1.GetBytes(line), output);

        Assert.Equal(expected, Encoding.Latin1.GetString(output, 0, length));
    }

    [Fact]
    public void RemoveFrom_SeveralFields_LeavesThoseWithOtherCookies()
    {
        IHeaderDictionary headers = new HeaderDictionary();
        headers.Cookie = new(["a=1", "kiro=abc", "b=2; kiro=def"]);

        _cookie.RemoveFrom(headers);

        Assert.Equal(["a=1", "b=2"], headers.Cookie.ToArray());
    }

    [Theory]
    [InlineData("kiro=1", true)]
    [InlineData("kiro=1; Path=/", true)]
    [InlineData(" kiro =; Max-Age=0", true)]
    [InlineData("kirox=1; kiro=2", false)]
    [InlineData("KIRO=1", false)]
    [InlineData("kiro", false)]
    [InlineData("", false)]
    public void IsSetBy_Value_ComparesTheName(string value, bool isSet)
    {
        Assert.Equal(isSet, _cookie.IsSetBy(value));
        Assert.Equal(isSet, _cookie.IsSetBy(Encoding.Latin1.GetBytes(value)));
    }

    [Theory]
    [InlineData("kiro", false, "kiro=x; Path=/; HttpOnly; SameSite=Lax")]
    [InlineData("kiro", true, "kiro=x; Path=/; HttpOnly; SameSite=Lax; Secure")]
    [InlineData("__Host-kiro", false, "__Host-kiro=x; Path=/; HttpOnly; SameSite=Lax; Secure")]
    [InlineData("__secure-kiro", false, "__secure-kiro=x; Path=/; HttpOnly; SameSite=Lax; Secure")]
    public void Set_Id_HasItsAttributes(string name, bool isSecure, string expected) =>
        Assert.Equal(expected, new StickyCookie(name).Set("x", isSecure));

    [Fact]
    public void NewId_Always_IsUniqueWith128Bits()
    {
        var ids = Enumerable.Range(0, 1000).Select(_ => StickyCookie.NewId()).ToArray();

        Assert.Equal(1000, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Matches("^[0-9a-f]{32}$", id));
    }

    [Fact]
    public void EveryOperation_AnyBytes_NeitherThrowsNorLeavesTheCookie()
    {
        var random = new Random(16);
        var pieces = new[] { "kiro", "=", ";", " ", "\t", "\"", "a", ",", "\u00FF", "kiro=", "; kiro=x" };
        for (var round = 0; round < 20_000; round++)
        {
            var line = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => pieces[random.Next(pieces.Length)]));
            var output = new byte[line.Length];
            var rest = output.AsSpan(0, _cookie.Remove(Encoding.Latin1.GetBytes(line), output));

            Assert.Null(_cookie.Find(Encoding.Latin1.GetString(rest)));
            Assert.False(_cookie.IsIn(rest), line);
        }
    }

    [Fact]
    public void TryFind_Line_AllocatesNothing()
    {
        var line = "a=1; b=2; kiro=0123456789abcdef0123456789abcdef; c=3"u8.ToArray();
        var found = 0;

        Assert.Equal(0, Allocated.By(_ => found += _cookie.TryFind(line, out var _) ? 1 : 0));
        Assert.NotEqual(0, found);
    }
}
