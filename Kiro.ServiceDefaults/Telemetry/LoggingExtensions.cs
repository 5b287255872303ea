using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Kiro.ServiceDefaults.Telemetry;

/// <summary>One line a message, Kiro's own from Information, the framework's from Warning; <c>Logging__LogLevel__…</c> changes it.</summary>
internal static class LoggingExtensions
{
    private static readonly Dictionary<string, string?> Levels = new()
    {
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft"] = "Warning",
        ["Logging:LogLevel:System"] = "Warning",
        // A client that floods its connection, which is closed for that, would write a critical line with each of many frames.
        ["Logging:LogLevel:Microsoft.AspNetCore.Server.Kestrel.Http2"] = "None",
        // It would make an activity for every request in order to log it; spans for export do not need it.
        ["Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics"] = "None",
        // The balancer says itself, without a stack trace, which node failed a request and why.
        ["Logging:LogLevel:Yarp"] = "Error",
        // It tells every failed attempt to connect, with a stack trace; whoever tries says so once.
        ["Logging:LogLevel:MySqlConnector"] = "Error",
    };

    public static void AddPlainLogging(this IHostApplicationBuilder builder, LogOptions options)
    {
        // First in the list, so that every other source wins over it.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = Levels });
        builder.Services.TryAddSingleton(TimeProvider.System);
        if (options.IsJson)
        {
            builder.Logging.AddJsonConsole(json => (json.UseUtcTimestamp, json.TimestampFormat) = (true, PlainConsoleFormatter.DateAndTime));
        }
        else
        {
            builder.Logging.AddConsole(console => console.FormatterName = PlainConsoleFormatter.FormatterName);
            // AddConsoleFormatter would bind options that it has not, by reflection: no native compilation can see what that needs.
            builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<ConsoleFormatter, PlainConsoleFormatter>());
        }

        // A start that fails says why in one line of its own; these two would add a stack trace to it.
        var started = false;
        builder.Services.AddHostedService(services => new OnStarted(
            services.GetRequiredService<IHostApplicationLifetime>(), () => Volatile.Write(ref started, true)));
        foreach (var category in (string[])["Microsoft.Extensions.Hosting.Internal.Host", "Microsoft.AspNetCore.Server.Kestrel"])
        {
            builder.Logging.AddFilter(category, level => level >= LogLevel.Warning && Volatile.Read(ref started));
        }
    }

    private sealed class OnStarted(IHostApplicationLifetime lifetime, Action action) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            lifetime.ApplicationStarted.Register(action);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>How the log is written.</summary>
/// <param name="IsJson"><c>LOG_FORMAT</c>: <c>text</c> (the default), a line for people, or <c>json</c>, one object a line.</param>
public sealed record LogOptions(bool IsJson)
{
    private const string Variable = "LOG_FORMAT";

    /// <summary>Reads the variable.</summary>
    public static LogOptions Read(SettingsReader settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var format = settings.Text(Variable, "text");
        if (format is not ("text" or "json"))
        {
            settings.Reject(Variable, format, "text or json");
        }

        return new LogOptions(format == "json");
    }
}
