using Kiro.Balancer.Discovery;
using Kiro.ServiceDefaults.Settings;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Discovery;

public sealed class BackendFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kiro-test-");

    private string Path => System.IO.Path.Combine(_folder.FullName, "nodes");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("api-1:13004", "api-1:13004*1")]
    [InlineData("api-1:13004\napi-2:13005*2\n", "api-1:13004*1 api-2:13005*2")]
    [InlineData("# the nodes\r\n\r\n  api-1:13004  # the old one\r\n#api-2:13005\r\n[::1]:80*0.5", "api-1:13004*1 [::1]:80*0.5")]
    [InlineData("\uFEFFapi-1:13004\n", "api-1:13004*1")]
    public void Read_Lines_AreTheNodes(string content, string nodes)
    {
        File.WriteAllText(Path, content);

        Assert.Equal(nodes, string.Join(' ', Settings.Read(BackendFile.Read, "BACKEND_FILE=" + Path)!.Select(node => $"{node.Id}*{node.Weight}")));
    }

    [Theory]
    [InlineData("api-1:13004\n\napi-2", "host:port or host:port*weight, with https:// before it for TLS, ports from 1 to 65535, weights from 0.01 to 1000, on each line; line 3, api-2, is not")]
    [InlineData("api-1:1,api-2:2", "host:port or host:port*weight, with https:// before it for TLS, ports from 1 to 65535, weights from 0.01 to 1000, on each line; line 1, api-1:1,api-2:2, is not")]
    [InlineData("api-1:1\napi-1:1*2", "each node only once; api-1:1 is listed twice")]
    [InlineData("# nothing yet\n", "a file with at least one host:port")]
    [InlineData("", "a file with at least one host:port")]
    public void Read_InvalidContent_IsOneError(string content, string expected)
    {
        File.WriteAllText(Path, content);

        Assert.Equal([$"BACKEND_FILE={Path} is not valid: expected {expected}."], Settings.Refusals(BackendFile.Read, "BACKEND_FILE=" + Path));
    }

    [Fact]
    public void Read_ArbitraryFile_ShowsLittleOfItAndNoControlCharacters()
    {
        File.WriteAllText(Path, "\u007fELF\0\u001b[2J" + new string('x', 100_000));

        Assert.EndsWith(
            $"on each line; line 1,  ELF  [2J{new string('x', 91)}…, is not.",
            Assert.Single(Settings.Refusals(BackendFile.Read, "BACKEND_FILE=" + Path)), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NoFile_IsOneErrorAndStillWatched()
    {
        var reader = new SettingsReader(Settings.Of("BACKEND_FILE=" + Path));

        Assert.Null(BackendFile.Read(reader));

        Assert.Equal(
            [$"BACKEND_FILE={Path} is not valid: expected a readable file of at most 1024 KB."],
            Assert.Throws<InvalidSettingsException>(reader.ThrowIfInvalid).Lines);
        Assert.Equal(Path, Assert.Single(reader.Files).Path);
    }

    [Fact]
    public void Read_Unset_IsNoList() => Assert.Null(Settings.Read(BackendFile.Read));
}
