using Kiro.Cluster.Terminal;

namespace Kiro.Tests.Cluster.Terminal;

public class TerminalKindTests
{
    [Theory]
    [InlineData(false, "xterm-256color", null, true, true)]
    [InlineData(false, "xterm", "", true, true)]
    [InlineData(false, "xterm", "1", true, false)]
    [InlineData(false, "dumb", null, false, false)]
    [InlineData(false, null, null, false, false)]
    [InlineData(true, "xterm", null, false, false)]
    public void Of_Environment_DetectsTerminalAndColour(bool isRedirected, string? term, string? noColour, bool isTerminal, bool colour) =>
        Assert.Equal(new TerminalKind(isTerminal, colour), TerminalKind.Of(isRedirected, term, noColour, isWindows: false));
}
