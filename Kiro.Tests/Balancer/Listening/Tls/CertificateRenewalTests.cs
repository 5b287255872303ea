using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening.Tls;

/// <summary>Certificates that are replaced, broken, repaired and about to expire while the balancer runs.</summary>
public sealed class CertificateRenewalTests : IDisposable
{
    private readonly TestCertificates _files = new();
    private readonly TlsPeer _peer = new();

    [Fact]
    public async Task Handshake_NewFiles_AreTakenAndOpenConnectionsStay()
    {
        _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());
        using var client = TlsPeer.Client();
        using var before = await client.GetAsync($"https://127.0.0.1:{_peer.Port}/", TestContext.Current.CancellationToken);
        var serial = _files.Write("a", ["a.example"]);
        await Eventually.BeTrue(async () => (await _peer.HandshakeAsync("a.example")).SerialNumber == serial, "the new certificate is used");
        using var after = await client.GetAsync($"https://127.0.0.1:{_peer.Port}/", TestContext.Current.CancellationToken);
        Assert.True(before.IsSuccessStatusCode && after.IsSuccessStatusCode);
        Assert.Empty(balancer.Logs);
    }

    [Fact]
    public async Task Handshake_BrokenNewFiles_TheOldCertificateStaysAndALogLineSaysWhy()
    {
        var serial = _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());
        File.WriteAllText(_files.PathOf("a.key"), "nothing");
        await Eventually.BeTrue(() => balancer.Logs.Any(line => line.Contains("the previous certificates stay", StringComparison.Ordinal)), "the log says so");
        Assert.Equal(serial, (await _peer.HandshakeAsync("a.example")).SerialNumber);
    }

    [Fact]
    public async Task Certificates_ReplacedUnderLoad_FailNoRequest()
    {
        _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());
        using var stop = new CancellationTokenSource();
        var load = Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            var served = 0;
            using var kept = TlsPeer.Client();
            while (!stop.IsCancellationRequested)
            {
                // One connection is kept open throughout, the others are new.
                using var fresh = TlsPeer.Client();
                foreach (var client in new[] { kept, fresh })
                {
                    using var response = await client.GetAsync($"https://127.0.0.1:{_peer.Port}/{worker}", TestContext.Current.CancellationToken);
                    Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                    served++;
                }
            }

            return served;
        })).ToList();
        for (var number = 0; number < 3; number++)
        {
            var serial = _files.Write("a", ["a.example"]);
            await Eventually.BeTrue(async () => (await _peer.HandshakeAsync("a.example")).SerialNumber == serial, "the new certificate is used");
        }

        await stop.CancelAsync();
        Assert.All(await Task.WhenAll(load), served => Assert.True(served > 0));
        Assert.Empty(balancer.Logs);
    }

    [Fact]
    public async Task Handshake_LinksThatAreSwapped_LeadToTheNewCertificate()
    {
        // Like Kubernetes: files link to ..data, which links to a folder and is replaced atomically.
        var (first, second) = (_files.Write("a", ["a.example"]), _files.Write("b", ["a.example"]));
        using var mount = new TestCertificates();
        foreach (var name in (string[])["a", "b"])
        {
            var version = Directory.CreateDirectory(mount.PathOf($"..{name}")).FullName;
            File.Copy(_files.PathOf($"{name}.crt"), Path.Combine(version, "tls.crt"));
            File.Copy(_files.PathOf($"{name}.key"), Path.Combine(version, "tls.key"));
            File.WriteAllText(Path.Combine(version, "ca.crt"), "");
        }

        File.CreateSymbolicLink(mount.PathOf("..data"), "..a");
        Array.ForEach(["tls.crt", "tls.key", "ca.crt"], file => File.CreateSymbolicLink(mount.PathOf(file), $"..data/{file}"));
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, $"TLS_PORT={_peer.Port}", $"TLS_CERTIFICATES={mount.Folder}");
        Assert.Equal(first, (await _peer.HandshakeAsync("a.example")).SerialNumber);

        File.CreateSymbolicLink(mount.PathOf("..next"), "..b");
        using var move = Process.Start("mv", ["-T", mount.PathOf("..next"), mount.PathOf("..data")]);
        await move.WaitForExitAsync(TestContext.Current.CancellationToken);
        await Eventually.BeTrue(async () => (await _peer.HandshakeAsync("a.example")).SerialNumber == second, "the new certificate is used");
        Assert.Empty(balancer.Logs);
    }

    [Fact]
    public async Task Handshake_FilesThatCannotBeReadAnyMore_AreToldAndTakenOnceTheyCan()
    {
        var serial = _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Pair());
        File.Delete(_files.PathOf("a.key"));
        await Eventually.BeTrue(() => balancer.Logs.Any(line => line.Contains("expected readable files", StringComparison.Ordinal)), "the log says so");
        Assert.Equal(serial, (await _peer.HandshakeAsync("a.example")).SerialNumber);
        Assert.Contains("the previous certificates stay", await StatusAsync(balancer), StringComparison.Ordinal);

        serial = _files.Write("a", ["a.example"]);
        await Eventually.BeTrue(async () => (await _peer.HandshakeAsync("a.example")).SerialNumber == serial, "the new certificate is used");
        Assert.DoesNotContain("the previous certificates stay", await StatusAsync(balancer), StringComparison.Ordinal);
        Assert.Single(balancer.Logs);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reload_OtherSettingsWhileTheFilesCannotBeUsed_AreTaken(bool areThere)
    {
        _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var other = await TestBackend.StartAsync("node-2");
        var list = _files.PathOf("nodes");
        await File.WriteAllTextAsync(list, node.Host, TestContext.Current.CancellationToken);
        await using var balancer = await TestBalancer.StartAsync("", [.. Pair(), $"BACKEND_FILE={list}"]);
        // Expired meanwhile, or no longer a pair.
        _files.Write("a", ["a.example"], days: -2);
        if (!areThere)
        {
            File.Delete(_files.PathOf("a.crt"));
        }

        await File.WriteAllTextAsync(list, $"{node.Host}\n{other.Host}", TestContext.Current.CancellationToken);
        await Eventually.BeTrue(async () => (await StatusAsync(balancer)).Contains(other.Host, StringComparison.Ordinal), "the second node is known");
    }

    [Theory]
    [InlineData(90, 89, null)]
    [InlineData(15, 14, null)]
    [InlineData(14, 13, "The certificate for a.example expires in 13 days, on ")]
    [InlineData(2, 1, "The certificate for a.example expires in 1 day, on ")]
    [InlineData(1, 0, "The certificate for a.example expires within a day, on ")]
    public async Task Expiry_IsInTheStatusAndItsLastDaysAreAWarning(int days, int left, string? warning)
    {
        _files.Write("a", ["a.example", "b.example"], days);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());

        using var status = JsonDocument.Parse(await balancer.Http.GetStringAsync("/lb/status", TestContext.Current.CancellationToken));
        var certificate = Assert.Single(status.RootElement.GetProperty("tls").GetProperty("certificates").EnumerateArray());
        Assert.Equal(["a.example", "b.example"], certificate.GetProperty("names").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal(left, certificate.GetProperty("daysLeft").GetInt32());
        var warnings = status.RootElement.GetProperty("warnings").EnumerateArray().Select(line => line.GetString()!).Where(line => line.Contains("certificate", StringComparison.Ordinal));
        Assert.Equal(warning is not null, warnings.Any(line => line.StartsWith(warning ?? "", StringComparison.Ordinal)));
        Assert.Equal(warning is not null, balancer.Logs.Any(line => line.Contains("The certificate for", StringComparison.Ordinal)));
        var series = new Regex($$"""kiro_tls_certificate_days_left\{[^}]*certificate="a\.example"[^}]*\} {{left}}\b""");
        await Eventually.BeTrue(
            async () => series.IsMatch(await balancer.Http.GetStringAsync("/metrics", TestContext.Current.CancellationToken)),
            "the metric tells the days");
    }

    public void Dispose() => _files.Dispose();

    private string[] Folder() => [$"TLS_PORT={_peer.Port}", $"TLS_CERTIFICATES={_files.Folder}"];

    private string[] Pair() => [$"TLS_PORT={_peer.Port}", $"TLS_CERTIFICATE={_files.PathOf("a.crt")}", $"TLS_KEY={_files.PathOf("a.key")}"];

    private static Task<string> StatusAsync(TestBalancer balancer) => balancer.Http.GetStringAsync("/lb/status", TestContext.Current.CancellationToken);
}
