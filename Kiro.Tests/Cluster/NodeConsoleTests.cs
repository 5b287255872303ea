using Kiro.Cluster.Output;

namespace Kiro.Tests.Cluster;

public class NodeConsoleTests
{
    [Fact]
    public void Line_Plain_AlignsThePrefixes()
    {
        using var output = new StringWriter { NewLine = "\n" };
        var console = new NodeConsole(output, ["balancer", "api-1"], colour: false);

        console.Line("api-1", "one");
        console.Line("balancer", "two");
        console.Say("three");

        Assert.Equal(["api-1    | one", "balancer | two", "cluster  | three"], Lines(output));
    }

    [Fact]
    public void Line_Colour_ColoursOnlyThePrefixPerNode()
    {
        using var output = new StringWriter();
        var console = new NodeConsole(output, ["api-1", "api-2"], colour: true);

        console.Line("api-1", "one");
        console.Line("api-2", "two");

        Assert.Equal(["\e[36mapi-1   |\e[0m one", "\e[33mapi-2   |\e[0m two"], Lines(output));
    }

    [Fact]
    public void Line_ConcurrentWriters_NeverInterleave()
    {
        using var output = new StringWriter();
        var console = new NodeConsole(output, ["api-1", "api-2"], colour: false);
        var text = new string('x', 500);

        Parallel.For(0, 2000, number => console.Line(number % 2 == 0 ? "api-1" : "api-2", text));

        var lines = Lines(output);
        Assert.Equal(2000, lines.Length);
        Assert.All(lines, line => Assert.True(line == "api-1   | " + text || line == "api-2   | " + text));
    }

    [Fact]
    public void Line_BrokenPipe_DoesNotThrow()
    {
        var console = new NodeConsole(new BrokenWriter(), ["api-1"], colour: false);

        console.Line("api-1", "one");
    }

    private static string[] Lines(StringWriter output) => output.ToString().TrimEnd().Split(Environment.NewLine);

    private sealed class BrokenWriter : StringWriter
    {
        public override void Write(string? value) => throw new IOException("Broken pipe");
    }
}
