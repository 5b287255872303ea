using Kiro.Balancer.Listening.Tls;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening.Tls;

public sealed class CertificateSetTests : IDisposable
{
    private readonly TestCertificates _files = new();

    [Theory]
    [InlineData("b.example", "b")]
    [InlineData("B.EXAMPLE", "b")]
    [InlineData("www.w.example", "w")]
    [InlineData("w.example", "a")]
    [InlineData("deep.www.w.example", "a")]
    [InlineData("exact.w.example", "x")]
    [InlineData("unknown.example", "a")]
    [InlineData("", "a")]
    [InlineData(null, "a")]
    public void For_ServerName_IsTheCertificateForIt(string? name, string file)
    {
        _files.Write("a", ["a.example"]);
        _files.Write("b", ["b.example", "bb.example"]);
        _files.Write("w", ["*.w.example"]);
        _files.Write("x", ["exact.w.example"]);
        Assert.Equal($"{file}.crt", Path.GetFileName(Load().For(name).File));
    }

    [Fact]
    public void For_TwoOfOneName_TheOneThatIsValidForLonger()
    {
        _files.Write("a", ["a.example"], days: 5);
        _files.Write("b", ["a.example"], days: 50);
        Assert.Equal("b.crt", Path.GetFileName(Load().For("a.example").File));
    }

    [Theory]
    [InlineData("xn--mnchen-3ya.example")]
    [InlineData("münchen.example")]
    [InlineData("MÜNCHEN.example")]
    [InlineData("münchen.example.")]
    public void For_NameOfAnotherScript_IsTheCertificateForIt(string name)
    {
        _files.Write("a", ["a.example"]);
        _files.Write("m", ["xn--mnchen-3ya.example"]);
        Assert.Equal("m.crt", Path.GetFileName(Load().For(name).File));
    }

    [Theory]
    [InlineData("\u200d.example")]
    [InlineData("..")]
    [InlineData("é..")]
    public void For_NoName_IsTheFirst(string name)
    {
        _files.Write("a", ["a.example"]);
        Assert.Equal("a.crt", Path.GetFileName(Load().For(name).File));
    }

    [Fact]
    public void DaysLeft_Certificate_AreWholeDays()
    {
        _files.Write("a", ["a.example"], days: 14);
        Assert.Equal(13, Load().All[0].DaysLeft(DateTimeOffset.UtcNow));
    }

    public void Dispose() => _files.Dispose();

    private CertificateSet Load() =>
        Settings.Read(TlsOptions.Read, $"TLS_CERTIFICATES={_files.Folder}", "TLS_PORT=443").Files!.Load(DateTimeOffset.UtcNow);
}
