using Kiro.Tests.Support;

namespace Kiro.Tests.ServiceDefaults;

/// <summary>In a process of its own, because it sets that process's variables. A port that cannot be used tells which value was read.</summary>
public sealed class EnvironmentFileTests : IDisposable
{
    private readonly DirectoryInfo _parent = Directory.CreateTempSubdirectory("kiro-test-");

    public void Dispose() => _parent.Delete(recursive: true);

    [Theory]
    [InlineData("")]
    [InlineData("below/this")]
    public async Task Load_FileHereOrInAParent_IsRead(string below)
    {
        Write("# comment\nBALANCER_PORT=from-file\n");

        Assert.Equal(["BALANCER_PORT=from-file is not valid: expected a whole number from 1 to 65535."], await Run(below));
    }

    [Fact]
    public async Task Load_TwoFiles_NearestIsRead()
    {
        Write("BALANCER_PORT=far\nHEALTH_FALL=far\n");
        Write("BALANCER_PORT=near\n", "below");

        Assert.Equal(["BALANCER_PORT=near is not valid: expected a whole number from 1 to 65535."], await Run("below/this"));
    }

    [Fact]
    public async Task Load_RealVariable_WinsOverTheFile()
    {
        Write("BALANCER_PORT=from-file\nHEALTH_FALL=from-file\n");

        var lines = await Run("", ("BALANCER_PORT", "real"));

        Assert.Equal(
            [
                "BALANCER_PORT=real is not valid: expected a whole number from 1 to 65535.",
                "HEALTH_FALL=from-file is not valid: expected a whole number from 1 to 100.",
            ], lines);
    }

    [Fact]
    public async Task Load_QuotesAndNestedNames_AreUnderstood()
    {
        Write("export BALANCER_PORT=\"x y\"\nservices__api__http__0=http://127.0.0.1:1\nHEALTH_FALL='0'\n");

        var lines = await Run("");

        Assert.Equal(["BALANCER_PORT=x y", "HEALTH_FALL=0"], lines.Select(line => line[..line.IndexOf(" is not valid", StringComparison.Ordinal)]));
    }

    [Fact]
    public async Task Load_BrokenFile_IsOneLine()
    {
        Write("BALANCER_PORT=1\n=== this is no assignment\n");

        var line = Assert.Single(await Run(""));
        Assert.Equal(
            $"{Path.Combine(_parent.FullName, ".env")}, line 2, cannot be understood: expected NAME=value, with the value in quotes when it has spaces or quotes in it.",
            line);
    }

    private void Write(string content, string below = "")
    {
        var folder = Directory.CreateDirectory(Path.Combine(_parent.FullName, below));
        File.WriteAllText(Path.Combine(folder.FullName, ".env"), content);
    }

    /// <summary>What a balancer that refuses to start says.</summary>
    private async Task<string[]> Run(string below, params (string Name, string Value)[] variables)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_parent.FullName, below));
        await using var process = new ServiceProcess(
            folder.FullName, [], "Kiro.Balancer", variables.ToDictionary(variable => variable.Name, variable => variable.Value));
        Assert.Equal(1, await process.ExitCode());
        return process.Output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
    }
}
