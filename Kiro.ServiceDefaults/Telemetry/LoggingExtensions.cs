using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Kiro.ServiceDefaults.Telemetry;

/// <summary>One line per message; Kiro's from Information, the framework's from Warning, unless <c>Logging__LogLevel__…</c> is set.</summary>
internal static class LoggingExtensions
{
    private static readonly Dictionary<string, string?> Levels = new()
    {
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft"] = "Warning",
        ["Logging:LogLevel:System"] = "Warning",
        // Otherwise each frame of a flooding client would log a critical line until its connection is closed.
        ["Logging:LogLevel:Microsoft.AspNetCore.Server.Kestrel.Http2"] = "None",
        // Would create an activity for every request just for logging; exported spans do not need it.
        ["Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics"] = "None",
        // The balancer itself logs which node failed a request and why, without a stack trace.
        ["Logging:LogLevel:Yarp"] = "Error",
        // Logs every failed connection attempt with a stack trace; the callers log it once.
        ["Logging:LogLevel:MySqlConnector"] = "Error",
    };

    public static void AddPlainLogging(this IHostApplicationBuilder builder, LogOptions options)
    {
        // First in the list, so that every other source overrides it.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = Levels });
        builder.Services.TryAddSingleton(TimeProvider.System);
        if (options.IsJson)
        {
            builder.Logging.AddJsonConsole(json => (json.UseUtcTimestamp, json.TimestampFormat) = (true, PlainConsoleFormatter.DateAndTime));
        }
        else
        {
            builder.Logging.AddConsole(console => console.FormatterName = PlainConsoleFormatter.FormatterName);
            // AddConsoleFormatter binds options by reflection, which is incompatible with Native AOT.
            builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<ConsoleFormatter, PlainConsoleFormatter>());
        }

        // A failed start is reported in one line; these two would add a stack trace.
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

/// <summary>The log settings.</summary>
/// <param name="IsJson"><c>LOG_FORMAT</c>: <c>text</c> (the default), or <c>json</c>, one object per line.</param>
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
