using Kiro.ServiceDefaults.Health;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace Kiro.ServiceDefaults.Hosting;

/// <summary>Runs a service; user errors end in one clear line and exit code 1.</summary>
public static class KiroApplication
{
    /// <summary>Reads <c>.env</c>, builds the service and runs it until it is stopped.</summary>
    /// <param name="args">The command line, see <c>--help</c>.</param>
    /// <param name="summary">What the program does, in one line.</param>
    /// <param name="usual">Its port variable and default port.</param>
    /// <param name="build">Configures and builds the service.</param>
    /// <param name="switches">Additional switches of this program.</param>
    /// <returns>The exit code: 0 after a clean stop or a successful check, 1 if a setting or the port cannot be used.</returns>
    public static async Task<int> RunAsync(
        string[] args, string summary, ListenPort usual, Func<WebApplicationBuilder, WebApplication> build,
        params IReadOnlyList<ProgramSwitch> switches)
    {
        WebApplication? app = null;
        // Resolved while the application runs: its services are disposed of afterwards.
        ListenPort? listen = null;
        var stopping = CancellationToken.None;
        try
        {
            var (task, settings) = ProgramArguments.Parse(args, switches);
            if (task is ProgramTask.Help or ProgramTask.Version)
            {
                Console.Out.WriteLine(task == ProgramTask.Help ? ProgramHelp.Of(summary, usual, switches) : ServiceDefaultsExtensions.Version);
                return 0;
            }

            EnvironmentFile.Load();
            if (task is ProgramTask.Health or ProgramTask.Alive)
            {
                return await HealthCheckCommand.RunAsync(task == ProgramTask.Health ? "/health" : "/alive", usual);
            }

            using var early = EarlyHangup.Take();
            // Slim: the rest (IIS, HTTPS by configuration, event logs) is not needed, and each loaded library keeps two
            // descriptors open.
            app = build(WebApplication.CreateSlimBuilder(new WebApplicationOptions
            {
                Args = settings,
                // Not the working directory, which "dotnet run --project" does not change.
                ContentRootPath = AppContext.BaseDirectory,
            }));
            if (task == ProgramTask.Check)
            {
                Console.Out.WriteLine(string.Join(Environment.NewLine, app.Services.GetRequiredService<Reloadable<SettingsReport>>().Value.Lines()));
                return 0;
            }

            listen = app.Services.GetRequiredService<ListenPort>();
            stopping = app.Lifetime.ApplicationStopping;
            await app.RunAsync();
            return 0;
        }
        catch (InvalidSettingsException invalid)
        {
            return Refuse(invalid.Lines);
        }
        catch (StartRefusedException refused)
        {
            return Refuse(refused.Lines);
        }
        catch (IOException problem) when (problem.InnerException is AddressInUseException inUse)
        {
            return Refuse(inUse.InnerException is StartRefusedException named ? named.Lines : [PortProblem(listen, "is in use by another process")]);
        }
        catch (System.Net.Sockets.SocketException problem)
        {
            return Refuse([PortProblem(listen, $"cannot be opened: {problem.Message}")]);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Stopped before the start was complete: still a clean stop.
            return 0;
        }
        finally
        {
            if (app is not null)
            {
                await app.DisposeAsync();
            }
        }
    }

    private static string PortProblem(ListenPort? listen, string problem) => $"{listen?.Variable}={listen?.Port} {problem}.";

    private static int Refuse(IReadOnlyList<string> lines)
    {
        foreach (var line in lines)
        {
            Console.Error.WriteLine(line);
        }

        return 1;
    }
}

/// <summary>The service cannot start, for a reason that the user can fix.</summary>
public sealed class StartRefusedException(IReadOnlyList<string> lines) : Exception(string.Join(Environment.NewLine, lines))
{
    /// <summary>The reasons, ready to be shown.</summary>
    public IReadOnlyList<string> Lines { get; } = lines;
}
