using System.Diagnostics;
using Kiro.Tests.Support;

namespace Kiro.Tests.Ci;

/// <summary><c>.ci/run</c> where some of Aspire's packages do not restore, with a <c>dotnet</c> that only notes what it was told.</summary>
public sealed class RunScriptTests : IDisposable
{
    private const string DotNet = """
        #!/bin/bash
        case "$1" in
          restore)
            case "$2:$MISSING:${KiroMySqlHosting:-true}" in
              Kiro.AppHost.Tests:core:*|Kiro.AppHost.Tests:extras:true|Kiro.AppHost.Export.Tests:*s:*) echo "the feed fell over"; exit 1 ;;
            esac ;;
          sln) printf 'A\\A.csproj\nKiro.AppHost\\Kiro.AppHost.csproj\nKiro.AppHost.Export\\Kiro.AppHost.Export.csproj\n' ;;
          build) echo "built $(cat "$2"), KiroMySqlHosting=${KiroMySqlHosting:-true}" ;;
          test) echo "tested $3"; printf "  failed: 0\n  succeeded: 1\n  skipped: 0\n" ;;
        esac
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("kiro-ci-").FullName;

    [Fact]
    public async Task Run_EverythingRestores_BuildsAndTestsAll()
    {
        var (code, output) = await RunAsync("nothing", "aspire");

        Assert.DoesNotContain("Left out", output, StringComparison.Ordinal);
        Assert.Contains("""["A/A.csproj","Kiro.AppHost/Kiro.AppHost.csproj","Kiro.AppHost.Export/Kiro.AppHost.Export.csproj"] } }, KiroMySqlHosting=true""", output, StringComparison.Ordinal);
        Assert.EndsWith("3 passed, 0 failed, 0 skipped\n", output, StringComparison.Ordinal);
        Assert.Equal(0, code);
    }

    [Fact]
    public async Task Run_OnlyTheCoreRestores_NamesWhatIsLeftOut_AndTestsTheRest()
    {
        var (code, output) = await RunAsync("extras", "");

        Assert.Contains("Left out: MYSQL_CONTAINER=1 of Kiro.AppHost, and its test: Aspire.Hosting.MySql cannot be restored: the feed fell over\n", output, StringComparison.Ordinal);
        Assert.Contains("Left out: Kiro.AppHost.Export and Kiro.AppHost.Export.Tests: Aspire's publishers cannot be restored: the feed fell over\n", output, StringComparison.Ordinal);
        Assert.Contains("""["A/A.csproj","Kiro.AppHost/Kiro.AppHost.csproj"] } }, KiroMySqlHosting=false""", output, StringComparison.Ordinal);
        Assert.Contains("tested Kiro.AppHost.Tests\n", output, StringComparison.Ordinal);
        Assert.EndsWith("2 passed, 0 failed, 0 skipped\n", output, StringComparison.Ordinal);
        Assert.Equal(0, code);
    }

    [Fact]
    public async Task Run_TheCoreDoesNotRestore_Fails()
    {
        var (code, output) = await RunAsync("core", "");

        Assert.EndsWith("Aspire's core cannot be restored: the feed fell over\n", output, StringComparison.Ordinal);
        Assert.Equal(1, code);
    }

    [Theory]
    [InlineData("aspire")]
    [InlineData("mysql, aspire")]
    public async Task Run_AllOfAspireIsRequired_FailsWhereSomeIsLeftOut(string required)
    {
        var (code, output) = await RunAsync("extras", required);

        Assert.EndsWith("KIRO_REQUIRE contains aspire.\n", output, StringComparison.Ordinal);
        Assert.Equal(1, code);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<(int Code, string Output)> RunAsync(string missing, string required)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "It is a script for bash.");
        Directory.CreateDirectory(Path.Combine(_folder, ".ci"));
        Directory.CreateDirectory(Path.Combine(_folder, "bin"));
        Directory.CreateDirectory(Path.Combine(_folder, "samples"));
        Directory.CreateDirectory(Path.Combine(_folder, "compose-export"));
        File.Copy(Path.Combine(Repository.Root, ".ci", "run"), Path.Combine(_folder, ".ci", "run"));
        Program("bin/dotnet", DotNet);
        // All that it installs is there.
        foreach (var installed in (string[])["samples/run", ".ci/docker", ".ci/helm", ".ci/socketio", ".ci/spell", "bin/dpkg", "bin/docker", "bin/docker-compose"])
        {
            Program(installed, "#!/bin/bash\n");
        }

        Program("bin/helm", "#!/bin/bash\necho kind: Service\n");

        var start = new ProcessStartInfo("bash", [Path.Combine(_folder, ".ci", "run")]) { RedirectStandardOutput = true };
        start.Environment["PATH"] = $"{_folder}/bin:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["KIRO_REQUIRE"] = required;
        start.Environment["MISSING"] = missing;
        start.Environment.Remove("KiroMySqlHosting");
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output);
    }

    private void Program(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        }
    }
}
