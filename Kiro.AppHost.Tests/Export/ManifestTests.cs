using System.Text.Json;
using Kiro.AppHost.Tests.Support;

namespace Kiro.AppHost.Tests.Export;

/// <summary>The JSON manifest, which other tools read.</summary>
public sealed class ManifestTests
{
    [Fact]
    public async Task Manifest_HasBothServices_AndNoSecretInClear()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("kiro-manifest-").FullName, "manifest.json");
        var (code, output) = await Publisher.RunAsync("--publisher", "manifest", "--output-path", file);
        Assert.True(code == 0, output);
        var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        var resources = JsonDocument.Parse(text).RootElement.GetProperty("resources");

        Assert.Equal(["api", "balancer"], resources.EnumerateObject()
            .Where(resource => resource.Value.GetProperty("type").GetString() == "project.v0").Select(resource => resource.Name).Order());
        Assert.Equal(13003, Http("balancer").GetProperty("targetPort").GetInt32());
        Assert.True(Http("balancer").GetProperty("external").GetBoolean());
        Assert.False(Http("api").TryGetProperty("external", out _));
        Assert.Equal("{api.bindings.http.host}", Environment("balancer").GetProperty("BACKEND_DNS").GetString());
        Assert.Equal("{mysql-password.value}", Environment("api").GetProperty("MYSQL_PASSWORD").GetString());
        Assert.All((string[])["mysql-password", "admin-token", "hash-seed"], name =>
        {
            var input = resources.GetProperty(name).GetProperty("inputs").GetProperty("value");
            Assert.True(input.GetProperty("secret").GetBoolean());
            Assert.False(input.TryGetProperty("default", out _));
        });
        Assert.DoesNotContain("machine", text, StringComparison.Ordinal);
        // It would let every client write its own X-Forwarded-For.
        Assert.DoesNotContain("FORWARDEDHEADERS", text, StringComparison.Ordinal);

        JsonElement Http(string name) => resources.GetProperty(name).GetProperty("bindings").GetProperty("http");
        JsonElement Environment(string name) => resources.GetProperty(name).GetProperty("env");
    }
}
