using Kiro.Balancer.Listening.Tls;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening.Tls;

/// <summary>TLS_CERTIFICATES with the folder layouts of other programs.</summary>
public sealed class CertificateFolderTests : IDisposable
{
    private readonly TestCertificates _files = new();

    [Fact]
    public void Load_SubfoldersAsCertbotMakesThem_AreFound()
    {
        _files.Write("c", ["c.example"]);
        Directory.CreateDirectory(_files.PathOf("c.example"));
        Move("c.crt", "c.example/fullchain.pem");
        Move("c.key", "c.example/privkey.pem");

        Assert.Equal(["c.example"], Load().For("c.example").Names);
    }

    [Fact]
    public void Load_OneOfCertbotsOwnFolders_IsOnePair()
    {
        _files.Write("c", ["c.example"]);
        using var authority = new TestAuthority();
        Move("c.key", "privkey.pem");
        File.Copy(_files.PathOf("c.crt"), _files.PathOf("cert.pem"));
        File.Copy(authority.File, _files.PathOf("chain.pem"));
        Move("c.crt", "fullchain.pem");
        File.WriteAllText(_files.PathOf("README"), "This directory contains your keys and certificates.");

        Assert.Equal("fullchain.pem", Path.GetFileName(Assert.Single(Load().All).File));
    }

    [Fact]
    public void Load_ASecretAsCertManagerFillsIt_IsOnePair()
    {
        _files.Write("tls", ["a.example"]);
        using var authority = new TestAuthority();
        File.Copy(authority.File, _files.PathOf("ca.crt"));

        Assert.Equal("tls.crt", Path.GetFileName(Assert.Single(Load().All).File));
    }

    [Fact]
    public void Load_NamesAsMkcertGivesThem_AreAPair()
    {
        _files.Write("a", ["a.example"]);
        Move("a.crt", "a.example.pem");
        Move("a.key", "a.example-key.pem");

        Assert.Equal("a.example.pem", Path.GetFileName(Assert.Single(Load().All).File));
    }

    [Fact]
    public void Load_KeyInTheSameFile_IsAPair()
    {
        _files.Write("a", ["a.example"]);
        File.WriteAllText(_files.PathOf("all.pem"), $"{File.ReadAllText(_files.PathOf("a.key"))}\n{File.ReadAllText(_files.PathOf("a.crt"))}");
        File.Delete(_files.PathOf("a.crt"));
        File.Delete(_files.PathOf("a.key"));

        Assert.Equal(["a.example"], Assert.Single(Load().All).Names);
    }

    [Fact]
    public void Load_WhatElseLiesThere_IsPassedOver()
    {
        _files.Write("a", ["a.example"]);
        File.WriteAllText(_files.PathOf("dhparam.pem"), "-----BEGIN DH PARAMETERS-----\nMAYCAQUCAQI=\n-----END DH PARAMETERS-----\n");
        File.WriteAllText(_files.PathOf("notes.pem"), "nothing");
        File.Copy(_files.PathOf("a.key"), _files.PathOf("spare.pem"));
        File.WriteAllText(_files.PathOf("a.csr"), "nothing");
        File.CreateSymbolicLink(_files.PathOf(".#a.crt"), "somebody@editor");
        Directory.CreateDirectory(_files.PathOf("empty.example"));

        Assert.Equal("a.crt", Path.GetFileName(Assert.Single(Load().All).File));
    }

    [Fact]
    public void Load_ServersCertificateWithoutItsKey_NamesIt()
    {
        _files.Write("a", ["a.example"]);
        _files.Write("b", ["b.example"]);
        File.Delete(_files.PathOf("b.key"));

        Assert.Equal(
            $"a private key for {_files.PathOf("b.crt")}, in a .key file beside it or in the same file", Assert.Throws<CertificateException>(Load).Message);
    }

    [Fact]
    public void Load_EmptyCertificateBesideItsKey_NamesIt()
    {
        _files.Write("a", ["a.example"]);
        File.WriteAllText(_files.PathOf("a.crt"), "");

        Assert.Equal($"PEM files with a certificate ({_files.PathOf("a.crt")} has none)", Assert.Throws<CertificateException>(Load).Message);
    }

    public void Dispose() => _files.Dispose();

    private void Move(string from, string to) => File.Move(_files.PathOf(from), _files.PathOf(to));

    private CertificateSet Load() => new CertificateFiles("TLS_CERTIFICATES", _files.Folder, null, null).Load(DateTimeOffset.UtcNow);
}
