using Kiro.Balancer;
using Kiro.Balancer.Listening.Tls;
using Kiro.ServiceDefaults.Settings;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening.Tls;

public sealed class TlsOptionsTests : IDisposable
{
    private readonly TestCertificates _files = new();

    [Fact]
    public void Read_Nothing_IsOff() => Assert.Null(Settings.Read(TlsOptions.Read).Port);

    [Fact]
    public void Read_CertificateWithoutPort_IsRefused() =>
        AssertRefused("TLS_PORT= is not valid: expected a port, because TLS_CERTIFICATE is set.", [.. Pair("a"), "TLS_PORT="]);

    [Fact]
    public void Read_PortWithoutCertificate_IsRefused() =>
        AssertRefused("TLS_PORT=443 is not valid: expected TLS_CERTIFICATE and TLS_KEY, or TLS_CERTIFICATES, beside it.", ["TLS_PORT=443"]);

    [Fact]
    public void Read_KeyOfAnother_NamesBothFiles()
    {
        Pair("other");
        AssertRefused("expected the private key of the certificate (from ", [Pair("a")[0], $"TLS_KEY={_files.PathOf("other.key")}", "TLS_PORT=443"]);
    }

    [Fact]
    public void Read_ExpiredCertificate_SaysSince()
    {
        _files.Write("old", ["a.example"], days: -2, startsIn: -30);
        AssertRefused($"expired on {DateTime.UtcNow.AddDays(-2):yyyy-MM-dd}", Named("old"));
    }

    [Fact]
    public void Read_CertificateOfTomorrow_IsRefused()
    {
        _files.Write("new", ["a.example"], startsIn: 1);
        AssertRefused("is not valid before", Named("new"));
    }

    [Fact]
    public void Read_FileWithoutCertificate_IsRefused()
    {
        File.WriteAllText(_files.PathOf("empty.crt"), "nothing");
        AssertRefused("has none", Named("empty"));
    }

    [Fact]
    public void Read_FileThatIsNotThere_IsRefused() => AssertRefused("expected readable files (Could not find", Named("gone"));

    [Fact]
    public void Read_EmptyFolder_SaysWhatItShouldHold() =>
        AssertRefused("expected a folder with pairs such as", [$"TLS_CERTIFICATES={_files.Folder}", "TLS_PORT=443"]);

    [Fact]
    public void Read_EncryptedKeyWithoutPassword_AsksForIt()
    {
        _files.Write("secret", ["a.example"], isEncrypted: true);
        AssertRefused("expected TLS_KEY_PASSWORD beside it", Named("secret"));
    }

    [Fact]
    public void Read_WrongPassword_IsNotShown()
    {
        _files.Write("secret", ["a.example"], isEncrypted: true);
        var line = Assert.Single(Settings.Refusals(TlsOptions.Read, [.. Named("secret"), "TLS_KEY_PASSWORD=hunter2"]));
        Assert.DoesNotContain("hunter2", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_EncryptedKeyWithPassword_IsTaken()
    {
        _files.Write("secret", ["a.example"], isEncrypted: true);
        Assert.Equal(443, Settings.Read(TlsOptions.Read, [.. Named("secret"), $"TLS_KEY_PASSWORD={TestCertificates.Password}"]).Port);
    }

    [Theory]
    [InlineData("off", null)]
    [InlineData("on", 8443)]
    [InlineData("443", 443)]
    public void Read_Redirect_IsAPort(string text, int? port) =>
        Assert.Equal(port, Settings.Read(TlsOptions.Read, [.. Pair("a"), "TLS_PORT=8443", $"TLS_REDIRECT={text}"]).RedirectPort);

    [Fact]
    public void Read_OtherRedirect_IsRefused() =>
        AssertRefused("TLS_REDIRECT=yes is not valid: expected on, off, or a port from 1 to 65535.", [.. Pair("a"), "TLS_PORT=8443", "TLS_REDIRECT=yes"]);

    [Theory]
    [InlineData("TLS_REDIRECT=on", "TLS_REDIRECT")]
    [InlineData("TLS_CLIENT_CA=ca.pem", "TLS_CLIENT_CA")]
    public void Read_WhatNeedsAPortWithoutIt_IsRefused(string pair, string variable) => Assert.Contains(
        $"TLS_PORT= is not valid: expected a port, because {variable} is set.", Settings.Refusals(TlsOptions.Read, pair));

    [Fact]
    public void Read_PortOfPlainHttp_IsRefused() => Assert.Equal(
        ["TLS_PORT=13003 is not valid: expected a port of its own, and 13003 is BALANCER_PORT."],
        Assert.Throws<InvalidSettingsException>(() => BalancerSettings.Read(Settings.Of([.. Pair("a"), "TLS_PORT=13003"]))).Lines);

    [Fact]
    public void Read_FolderForAFileOrTheOther_NamesTheOtherVariable()
    {
        _files.Write("a", ["a.example"]);
        AssertRefused($"expected a file ({_files.Folder} is a folder: TLS_CERTIFICATES takes it).", [$"TLS_CERTIFICATE={_files.Folder}", "TLS_PORT=443"]);
        AssertRefused("expected a folder (", [$"TLS_CERTIFICATES={_files.PathOf("a.crt")}", "TLS_PORT=443"]);
    }

    [Theory]
    [InlineData("", "expected a readable PEM file with certificates of at most 2048 KB.")]
    [InlineData("nothing", "expected a PEM file with at least one certificate.")]
    [InlineData("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "expected a PEM file with certificates (")]
    public void Read_NoAuthorities_IsRefused(string content, string part)
    {
        var file = _files.PathOf("ca.pem");
        if (content.Length > 0)
        {
            File.WriteAllText(file, content);
        }

        AssertRefused($"TLS_CLIENT_CA={file} is not valid: {part}", [.. Pair("a"), "TLS_PORT=443", $"TLS_CLIENT_CA={file}"]);
    }

    public void Dispose() => _files.Dispose();

    private string[] Pair(string name)
    {
        _files.Write(name, ["a.example"]);
        return Named(name)[..2];
    }

    private string[] Named(string name) =>
        [$"TLS_CERTIFICATE={_files.PathOf(name + ".crt")}", $"TLS_KEY={_files.PathOf(name + ".key")}", "TLS_PORT=443"];

    private static void AssertRefused(string part, string[] pairs) =>
        Assert.Contains(part, Assert.Single(Settings.Refusals(TlsOptions.Read, pairs)), StringComparison.Ordinal);
}
