using System.Diagnostics;
using Kiro.Tests.Support;

namespace Kiro.AppHost.Tests.Support;

/// <summary>Runs the AppHost to publish, which needs neither Docker nor the orchestrator.</summary>
internal static class Publisher
{
    /// <summary>Settings of the machine that must not leak into the published files.</summary>
    private static readonly Dictionary<string, string> Machine = new()
    {
        ["INSTANCE_COUNT"] = "3",
        ["START_PORT"] = "23004",
        ["BALANCER_PORT"] = "23003",
        ["MYSQL_HOST"] = "machine.example",
        ["MYSQL_PASSWORD"] = "machine-password",
        ["ADMIN_TOKEN"] = "machine-token",
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://machine.example:4317",
    };

    // The test assembly is named after the program.
    private static readonly string Program = Path.Combine(
        AppContext.BaseDirectory, typeof(Publisher).Assembly.GetName().Name!.Replace(".Tests", ".dll", StringComparison.Ordinal));

    /// <summary>The program of a project such as <c>Kiro.Balancer</c>, built together with the tests.</summary>
    public static string ServiceProgram(string project)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        return Path.Combine(Repository.Root, project, "bin", output.Parent!.Name, output.Name, project);
    }

    /// <summary>Publishes to a new folder and returns its path.</summary>
    public static async Task<string> PublishAsync(string export)
    {
        var folder = Directory.CreateTempSubdirectory("kiro-publish-").FullName;
        var (code, output) = await RunAsync("--operation", "publish", "--step", "publish", "--output-path", folder, "--EXPORT=" + export);
        Assert.True(code == 0, output);
        return folder;
    }

    /// <summary>Runs the AppHost and returns its exit code and output.</summary>
    public static Task<(int Code, string Output)> RunAsync(params string[] arguments) => RunInAsync(Path.GetTempPath(), arguments);

    /// <summary>Runs it in a folder, whose <c>.env</c> is read.</summary>
    public static async Task<(int Code, string Output)> RunInAsync(string folder, params string[] arguments)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo("dotnet", [Program, .. arguments])
            {
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        foreach (var (name, value) in Machine)
        {
            process.StartInfo.Environment[name] = value;
        }

        process.Start();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(2));
        return (process.ExitCode, await output + await errors);
    }
}
