using System.Globalization;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Printing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Kiro.ServiceDefaults.Telemetry;

/// <summary>One line per message: time (UTC, with the date unless the output is a terminal), level unless it is Information, text,
/// exception.</summary>
internal sealed class PlainConsoleFormatter(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "plain";

    /// <summary>ISO 8601.</summary>
    public const string DateAndTime = "yyyy-MM-ddTHH:mm:ss.fffZ";

    private static readonly string Format =
        Console.IsOutputRedirected && Environment.GetEnvironmentVariable(StopWithParent.TerminalVariable) != "1" ? DateAndTime : "HH:mm:ss.fff";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        textWriter.Write(time.GetUtcNow().ToString(Format, CultureInfo.InvariantCulture));
        textWriter.Write(' ');
        textWriter.Write(logEntry.LogLevel switch
        {
            LogLevel.Trace => "trace: ",
            LogLevel.Debug => "debug: ",
            LogLevel.Warning => "warning: ",
            LogLevel.Error => "error: ",
            LogLevel.Critical => "critical: ",
            _ => "",
        });
        textWriter.Write(OneLine(logEntry.Formatter(logEntry.State, logEntry.Exception)));
        if (logEntry.Exception is { } exception)
        {
            textWriter.Write(" | ");
            textWriter.Write(OneLine(exception.ToString()));
        }

        textWriter.WriteLine();
    }

    // It may contain text from clients.
    private static string OneLine(string text) => PrintableText.Of(text.ReplaceLineEndings(" "));
}
