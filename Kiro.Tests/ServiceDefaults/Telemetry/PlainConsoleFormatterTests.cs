using Kiro.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.Tests.ServiceDefaults.Telemetry;

public sealed class PlainConsoleFormatterTests
{
    [Fact]
    public void Write_ControlCharacters_AreRemovedAndLinesJoined()
    {
        var formatter = new PlainConsoleFormatter(TimeProvider.System);
        using var output = new StringWriter { NewLine = "\n" };
        var problem = new InvalidOperationException("bad\u001b[2J\r\nnews");
        var entry = new LogEntry<string>(LogLevel.Warning, "test", default, "api\u001b[31m\u202e joined\r\nagain", problem, (text, _) => text);

        formatter.Write(entry, null, output);

        Assert.EndsWith(
            "warning: api [31m joined again | System.InvalidOperationException: bad [2J news\n", output.ToString(), StringComparison.Ordinal);
    }
}
