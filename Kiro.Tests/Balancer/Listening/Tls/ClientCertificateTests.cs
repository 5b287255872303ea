using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening.Tls;

/// <summary>Only the balancer tells the backend about the client's certificate.</summary>
public class ClientCertificateTests : IDisposable
{
    private const string Field = "X-Forwarded-Client-Cert";

    private readonly TestCertificates _files = new();
    private readonly DirectoryInfo _authorities = Directory.CreateTempSubdirectory("kiro-ca-");
    private readonly int _port = FreePort.Next();

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Certificate_ThatWasVerified_IsToldToTheNode(string version)
    {
        using var alice = Authority("alice, \"A\" é");
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await StartAsync(node);
        using var client = Client(alice);
        var hash = alice.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant();
        for (var number = 0; number < 2; number++)
        {
            using var request = Request($"https://127.0.0.1:{_port}/", version);
            Assert.Equal([$"Hash={hash};Subject=\"CN=\\\"alice, \\\"\\\"A\\\"\\\" \\C3\\A9\\\"\""], await FieldsAsync(client, request));
        }
    }

    [Theory]
    [InlineData(Field)]
    [InlineData("x-forwarded-client-cert")]
    [InlineData("X_Forwarded_Client_Cert")]
    public async Task Field_OfAClient_ReachesNoNode(string name)
    {
        using var alice = Authority("alice");
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await StartAsync(node);
        using var client = Client(alice);
        foreach (var version in (string[])["1.1", "2.0"])
        {
            using var secure = Request($"https://127.0.0.1:{_port}/", version, name);
            Assert.DoesNotContain("mallory", Assert.Single(await FieldsAsync(client, secure)), StringComparison.Ordinal);
        }

        // From 127.0.0.1, which is otherwise trusted.
        using var plain = Request($"http://127.0.0.1:{balancer.Port}/", "1.1", name);
        Assert.Empty(await FieldsAsync(client, plain));
    }

    [Fact]
    public async Task Field_OfAClientWithoutAnyTls_ReachesNoNode()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var request = Request($"http://127.0.0.1:{balancer.Port}/", "1.1", Field);
        Assert.Empty(await FieldsAsync(balancer.Http, request));
    }

    public void Dispose()
    {
        _files.Dispose();
        _authorities.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    private string AuthorityFile => Path.Combine(_authorities.FullName, "ca.pem");

    private X509Certificate2 Authority(string client)
    {
        _files.Write("a", ["a.example"]);
        var certificate = _files.WriteAuthority("authority", $"\"{client.Replace("\"", "\"\"", StringComparison.Ordinal)}\"");
        File.Move(_files.PathOf("authority.crt"), AuthorityFile);
        return certificate;
    }

    private Task<TestBalancer> StartAsync(TestBackend node) => TestBalancer.StartAsync(
        node.Host, $"TLS_PORT={_port}", $"TLS_CERTIFICATES={_files.Folder}", $"TLS_CLIENT_CA={AuthorityFile}");

    private static HttpClient Client(X509Certificate2 certificate) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        SslOptions = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null,
            TargetHost = "a.example",
            ClientCertificates = [certificate],
        },
    });

    private static HttpRequestMessage Request(string url, string version, string? name = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, url) { Version = Version.Parse(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (name is not null)
        {
            request.Headers.TryAddWithoutValidation(name, "Hash=00;Subject=\"CN=mallory\"");
        }

        return request;
    }

    private static async Task<string[]> FieldsAsync(HttpClient client, HttpRequestMessage request)
    {
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        using var received = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return [.. received.RootElement.GetProperty("headers").EnumerateObject()
            .Where(header => header.Name.Replace('_', '-').Equals(Field, StringComparison.OrdinalIgnoreCase)).Select(header => header.Value.GetString()!)];
    }
}

/// <summary>The same on the lean path.</summary>
[OverLean]
public sealed class ClientCertificateTestsOverLean : ClientCertificateTests;

/// <summary>The same with YARP.</summary>
[OverYarp]
public sealed class ClientCertificateTestsOverYarp : ClientCertificateTests;
