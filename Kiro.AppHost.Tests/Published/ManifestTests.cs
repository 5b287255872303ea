using System.Text.Json;
using Kiro.AppHost.Tests.Support;

namespace Kiro.AppHost.Tests.Published;

/// <summary>The JSON manifest for other tools.</summary>
public sealed class ManifestTests
{
    [Fact]
    public async Task Manifest_Published_HasBothServicesAndNoSecretValues()
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
        // It would make ASP.NET Core trust X-Forwarded-For from every client.
        Assert.DoesNotContain("FORWARDEDHEADERS", text, StringComparison.Ordinal);

        JsonElement Http(string name) => resources.GetProperty(name).GetProperty("bindings").GetProperty("http");
        JsonElement Environment(string name) => resources.GetProperty(name).GetProperty("env");
    }

    /// <summary>On its own, Aspire would report success and write nothing.</summary>
    [Fact]
    public async Task Publish_NoExport_WritesTheManifest()
    {
        var folder = Directory.CreateTempSubdirectory("kiro-manifest-").FullName;
        var (code, output) = await Publisher.RunAsync("--operation", "publish", "--step", "publish", "--output-path", folder);
        var files = Directory.GetFiles(folder).Select(Path.GetFileName);
        Directory.Delete(folder, recursive: true);

        Assert.True(code == 0, output);
        Assert.Equal(["aspire-manifest.json"], files);
    }

    [Fact]
    public async Task Publish_ExportOfTheOtherProject_IsOneLineThatNamesIt()
    {
        var (code, output) = await Publisher.RunAsync("--operation", "publish", "--step", "publish", "--EXPORT=cluster");

        Assert.Equal(1, code);
        var line = Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("EXPORT=cluster", line, StringComparison.Ordinal);
        Assert.Contains("Kiro.AppHost.Export", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deploy_NotSupported_IsOneLine()
    {
        var (code, output) = await Publisher.RunAsync("--operation", "publish", "--step", "deploy");

        Assert.Equal(1, code);
        Assert.StartsWith("--step=deploy", Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    /// <summary>On its own, Aspire would log the failed step and exit with 0.</summary>
    [Fact]
    public async Task Publish_UnwritableFolder_Fails()
    {
        var file = Path.GetTempFileName();
        var (code, output) = await Publisher.RunAsync("--operation", "publish", "--step", "publish", "--output-path", Path.Combine(file, "folder"));
        File.Delete(file);

        Assert.True(code == 1, output);
    }
}
