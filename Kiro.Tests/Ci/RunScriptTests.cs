using System.Diagnostics;

namespace Kiro.Tests.Ci;

/// <summary><c>.ci/run</c> where Aspire's packages do not restore, with a <c>dotnet</c> that only notes what it was told.</summary>
public sealed class RunScriptTests : IDisposable
{
    private const string DotNet = """
        #!/bin/bash
        case "$1" in
          restore) echo "the feed fell over"; exit 1 ;;
          sln) printf 'A\\A.csproj\nKiro.AppHost\\Kiro.AppHost.csproj\nB\\B.csproj\n' ;;
          build) cat >/dev/null; echo "built $2" ;;
          test) printf "  failed: 0\n  succeeded: 1\n  skipped: 0\n" ;;
        esac
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("kiro-ci-").FullName;

    [Fact]
    public async Task Run_RestoreFailsWithoutAnErrorCode_BuildsTheRestAndTests()
    {
        var (code, output) = await RunAsync("");

        Assert.Contains("do not restore: the feed fell over", output, StringComparison.Ordinal);
        Assert.Contains("built A/A.csproj\nbuilt B/B.csproj\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain("built Kiro.AppHost", output, StringComparison.Ordinal);
        Assert.EndsWith("1 passed, 0 failed, 0 skipped\n", output, StringComparison.Ordinal);
        Assert.Equal(0, code);
    }

    [Theory]
    [InlineData("aspire")]
    [InlineData("mysql, aspire")]
    public async Task Run_AspireIsRequired_Fails(string required)
    {
        var (code, output) = await RunAsync(required);

        Assert.EndsWith("KIRO_REQUIRE names aspire.\n", output, StringComparison.Ordinal);
        Assert.Equal(1, code);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<(int Code, string Output)> RunAsync(string required)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "It is a script for bash.");
        Directory.CreateDirectory(Path.Combine(_folder, ".ci"));
        Directory.CreateDirectory(Path.Combine(_folder, "bin"));
        File.Copy(Path.Combine(Root(), ".ci", "run"), Path.Combine(_folder, ".ci", "run"));
        Program(".ci/docker", "#!/bin/bash\n");
        Program("bin/dotnet", DotNet);
        foreach (var installed in (string[])["mariadbd", "chromium", "dnsmasq"])
        {
            Program("bin/" + installed, "#!/bin/bash\n");
        }

        var start = new ProcessStartInfo("bash", [Path.Combine(_folder, ".ci", "run")]) { RedirectStandardOutput = true };
        start.Environment["PATH"] = $"{_folder}/bin:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["KIRO_REQUIRE"] = required;
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

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "kiro.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("No kiro.sln above the tests.");
        }

        return folder.FullName;
    }
}
