using Kiro.Cluster.View;

namespace Kiro.Tests.Cluster.View;

public class FrameTests
{
    private const string Reason = "503 Service Unavailable, and [nobody] knows why";

    [Fact]
    public void Of_EightyColumns_HasAllColumnsAndTheReasonBelow()
    {
        var lines = new Frame(80, 24, Colour: false).Of(View(Node(1), Node(2) with { State = "down", Reason = Reason, LatencyMs = null }));

        Assert.Equal(
        [
            "head one",
            "head two",
            "",
            "node   port   state  probe  share  req/s  in-flight  restarts",
            "api-1  13001  up     2.5ms  20.1%   12.3          4         0",
            "api-2  13002  down       -  20.1%   12.3          4         0",
            "! mind the gap",
            $"! api-2 is down: {Reason}",
        ], lines);
    }

    [Fact]
    public void Of_WideTerminal_HasAReasonColumn()
    {
        var lines = new Frame(120, 24, Colour: false).Of(View(Node(1) with { State = "draining", Reason = Reason }));

        Assert.EndsWith("  restarts  reason", lines[3], StringComparison.Ordinal);
        Assert.EndsWith($"         0  {Reason}", lines[4], StringComparison.Ordinal);
        Assert.Equal(6, lines.Count);
    }

    [Theory]
    [InlineData(80, 24, 100)]
    [InlineData(80, 10, 100)]
    [InlineData(40, 12, 20)]
    [InlineData(20, 6, 3)]
    [InlineData(120, 3, 5)]
    [InlineData(1, 1, 5)]
    public void Of_AnySize_Fits(int width, int height, int count)
    {
        var nodes = Enumerable.Range(1, count).Select(number => number % 10 == 0 ? Node(number) with { State = "down", Reason = Reason } : Node(number));

        var lines = new Frame(width, height, Colour: false).Of(View([.. nodes]), count => [.. Enumerable.Repeat("log", count)]);

        Assert.InRange(lines.Count, 1, height);
        Assert.All(lines, line => Assert.InRange(line.Length, 0, Math.Max(width, 22)));
    }

    [Fact]
    public void Of_MoreNodesThanLines_ShowsThoseNotUp()
    {
        var nodes = Enumerable.Range(1, 100).Select(number => number == 77 ? Node(number) with { State = "down" } : Node(number));

        var lines = new Frame(80, 14, Colour: false).Of(View([.. nodes]));

        Assert.Contains(lines, line => line.StartsWith("api-77 ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line is "… and 92 more, all up");
    }

    [Fact]
    public void Of_LongNames_AreTruncatedToTheWidth()
    {
        var lines = new Frame(80, 24, Colour: false).Of(View(Node(1) with { Name = new string('x', 40) }));

        Assert.Equal(80, lines[4].Length);
        Assert.StartsWith($"{new string('x', 23)}…  13001  up ", lines[4], StringComparison.Ordinal);
    }

    [Fact]
    public void Of_Log_FillsTheRest()
    {
        var lines = new Frame(80, 24, Colour: false).Of(View(Node(1)), count => [.. Enumerable.Range(1, count).Select(number => $"log {number}")]);

        Assert.Equal(24, lines.Count);
        Assert.Equal(("", "log 17"), (lines[6], lines[^1]));
    }

    [Fact]
    public void Of_ControlCharacters_DoNotReachTheTerminal()
    {
        var lines = new Frame(80, null, Colour: false).Of(View(Node(1) with { Name = "a\e[2Jb", State = "down", Reason = "c\rd\u009be" }));

        Assert.DoesNotContain(string.Concat(lines), char.IsControl);
    }

    [Fact]
    public void Of_Colour_ColoursTheState()
    {
        var lines = new Frame(80, 24, Colour: true).Of(View(Node(1), Node(2) with { State = "down" }));

        Assert.Contains("\e[32mup", lines[4], StringComparison.Ordinal);
        Assert.Contains("\e[91mdown", lines[5], StringComparison.Ordinal);
    }

    [Fact]
    public void Of_NodesOnSeveralHosts_ShowsTheirAddresses()
    {
        var lines = new Frame(120, null, Colour: false).Of(View(Node(1), Node(2) with { Host = "10.0.0.2", Restarts = null }, Node(3) with { Restarts = null }));

        Assert.Contains("10.0.0.2:13002", lines[5], StringComparison.Ordinal);
    }

    private static ClusterView View(params NodeView[] nodes) => new(["head one", "head two"], nodes, ["mind the gap"]);

    private static NodeView Node(int number) => new()
    {
        Name = $"api-{number}",
        Host = "127.0.0.1",
        Port = 13000 + number,
        State = "up",
        LatencyMs = 2.5,
        Share = 0.2009,
        RequestsPerSecond = 12.34,
        InFlight = 4,
        Restarts = 0,
    };
}
