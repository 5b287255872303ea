using Kiro.Tests.Support;

namespace Kiro.Tests.ServiceDefaults;

/// <summary>Loading <c>.env</c> in a separate process, because it sets environment variables. The error for an invalid value shows which one was read.</summary>
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

        Assert.Equal([$"BALANCER_PORT=from-file in {Position(2)}, is not valid: expected a whole number from 1 to 65535."], await Run(below));
    }

    [Fact]
    public async Task Load_TwoFiles_ReadsTheNearest()
    {
        Write("BALANCER_PORT=far\nHEALTH_FALL=far\n");
        Write("BALANCER_PORT=near\n", "below");

        Assert.Equal([$"BALANCER_PORT=near in {Position(1, "below")}, is not valid: expected a whole number from 1 to 65535."], await Run("below/this"));
    }

    [Fact]
    public async Task Load_EnvironmentVariable_OverridesTheFile()
    {
        Write("BALANCER_PORT=from-file\nHEALTH_FALL=from-file\n");

        var lines = await Run("", ("BALANCER_PORT", "real"));

        Assert.Equal(
            [
                "BALANCER_PORT=real is not valid: expected a whole number from 1 to 65535.",
                $"HEALTH_FALL=from-file in {Position(2)}, is not valid: expected a whole number from 1 to 100.",
            ], lines);
    }

    [Fact]
    public async Task Load_QuotesAndNestedNames_AreParsed()
    {
        Write("export BALANCER_PORT=\"x y\"\nservices__api__http__0=http://127.0.0.1:1\nHEALTH_FALL='0'\n");

        var lines = await Run("");

        Assert.Equal([$"BALANCER_PORT=x y in {Position(1)},", $"HEALTH_FALL=0 in {Position(3)},"], lines.Select(line => line[..line.IndexOf(" is not valid", StringComparison.Ordinal)]));
    }

    [Fact]
    public async Task Load_MalformedFile_IsOneLine()
    {
        Write("BALANCER_PORT=1\n=== this is no assignment\n");

        var line = Assert.Single(await Run(""));
        Assert.Equal(
            $"{Path.Combine(_parent.FullName, ".env")}, line 2, cannot be parsed: expected NAME=value, with quotes around values that contain spaces or quotes.",
            line);
    }

    [Fact]
    public async Task Load_ByteOrderMarkAndCrlf_AreAccepted()
    {
        Write("\uFEFFHEALTH_RISE=3\r\nHEALTH_FALL=x\r\n");

        Assert.Equal([$"HEALTH_FALL=x in {Position(2)}, is not valid: expected a whole number from 1 to 100."], await Run(""));
    }

    [Fact]
    public async Task Load_MultilineValue_IsShownInOneLine()
    {
        Write("HEALTH_FALL=\"a\nb\"\nBALANCER_PORT=x\n");

        Assert.Equal(
            [
                $"BALANCER_PORT=x in {Position(3)}, is not valid: expected a whole number from 1 to 65535.",
                $"HEALTH_FALL=a b in {Position(1)}, is not valid: expected a whole number from 1 to 100.",
            ], await Run(""));
    }

    [Fact]
    public async Task Load_Secret_IsShownByItsPositionOnly()
    {
        Write("# one\nADMIN_TOKEN=short\nHEALTH_INTERVAL=7\nBALANCER_PORT=1\n");

        var lines = await Check();

        Assert.Contains(lines, line => line.StartsWith("ADMIN_TOKEN ", StringComparison.Ordinal) && line.EndsWith($" {Position(2)}", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("HEALTH_INTERVAL ", StringComparison.Ordinal) && line.EndsWith($" {Position(3)}", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains("short ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Load_DuplicateName_TakesTheLast()
    {
        Write("HEALTH_FALL=3\n\nhealth_fall=4\nHEALTH_RISE=5\nHEALTH_RISE=5\n");

        var lines = await Check();

        Assert.Equal("4", Value(lines, "HEALTH_FALL"));
        Assert.Equal([$"warning: HEALTH_FALL in {Position(3)}, overrides the value in line 1."], lines.Where(IsWarning), StringComparer.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Load_NameInAnotherCase_IsTheSameVariable()
    {
        Write("health_fall=3\n");

        var lines = await Check(("HEALTH_FALL", "4"));

        Assert.Equal("4", Value(lines, "HEALTH_FALL"));
        Assert.Equal([$"warning: health_fall in {Path.Combine(_parent.FullName, ".env")} is overridden by the environment."], lines.Where(IsWarning));
    }

    [Theory]
    [InlineData("/a$nobody/b", "nobody")]
    [InlineData("\"/a${nobody}/b\"", "nobody")]
    [InlineData("'/a$nobody/b'", null)]
    [InlineData("/a # $nobody", null)]
    [InlineData("/a${PATH}", null)]
    public async Task Load_UnsetReference_IsAWarning(string value, string? name)
    {
        Write($"HEALTH_PATH={value}\n");

        var warnings = (await Check()).Where(IsWarning);

        Assert.Equal(
            name is null ? [] : [$"warning: HEALTH_PATH in {Position(1)}, refers to ${name}, which is unset and replaced by nothing; use 'single quotes' for a literal dollar sign."],
            warnings);
    }

    private string Position(int line, string below = "") => $"{Path.Combine(_parent.FullName, below, ".env")}, line {line}";

    private static bool IsWarning(string line) => line.StartsWith("warning: ", StringComparison.Ordinal);

    private static string Value(string[] lines, string name) =>
        lines.Single(line => line.StartsWith(name + " ", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];

    private void Write(string content, string below = "")
    {
        var folder = Directory.CreateDirectory(Path.Combine(_parent.FullName, below));
        File.WriteAllText(Path.Combine(folder.FullName, ".env"), content);
    }

    /// <summary>The output of a balancer that fails to start.</summary>
    private Task<string[]> Run(string below, params (string Name, string Value)[] variables) => Run(below, [], 1, variables);

    /// <summary>The output of <c>--check</c>.</summary>
    private Task<string[]> Check(params (string Name, string Value)[] variables) => Run("", ["--check"], 0, variables);

    private async Task<string[]> Run(string below, string[] arguments, int exitCode, (string Name, string Value)[] variables)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_parent.FullName, below));
        await using var process = new ServiceProcess(
            folder.FullName, [], "Kiro.Balancer", variables.ToDictionary(variable => variable.Name, variable => variable.Value), arguments);
        Assert.Equal(exitCode, await process.ExitCode());
        return process.Output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
    }
}
