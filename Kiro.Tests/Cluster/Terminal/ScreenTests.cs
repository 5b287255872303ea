using Kiro.Cluster.Terminal;

namespace Kiro.Tests.Cluster.Terminal;

public class ScreenTests
{
    [Fact]
    public void Close_AfterPaint_RestoresTheTerminalAndPrintsTheLines()
    {
        using var output = new StringWriter { NewLine = "\n" };
        var screen = new Screen(output);

        screen.Paint(["one", "two"]);
        screen.Paint(["three"]);
        screen.Close(["last"]);

        var text = output.ToString();
        Assert.StartsWith("\e[?1049h\e[?25l", text, StringComparison.Ordinal);
        Assert.Single(text.Split("\e[?1049h").Skip(1));
        Assert.Contains("\e[H\e[2Kone\r\n\e[2Ktwo\e[J", text, StringComparison.Ordinal);
        Assert.EndsWith($"\e[?1049l\e[?25hlast{Environment.NewLine}", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Close_NeverPainted_PrintsOnlyTheLines()
    {
        using var output = new StringWriter();

        new Screen(output).Close(["last"]);

        Assert.Equal($"last{Environment.NewLine}", output.ToString());
    }
}
