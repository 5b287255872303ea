using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding.Smuggling;

/// <summary>The corpus against the whole balancer: however a node parses, it sees the requests that were sent to it and no others.</summary>
public class SmugglingCorpusTests(ITestOutputHelper output)
{
    // Ends every connection, even if part of it counts as a body.
    private const string Last = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    [Fact]
    public async Task Requests_Smuggled_AreSeenByEveryNodeAsTheyWereSent()
    {
        await using var node = new RecordingNode();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        var (strict, cases) = (new NodeReader(), SmugglingCorpus.All().ToList());
        for (var number = 0; number < cases.Count; number++)
        {
            using var client = await RawClient.ConnectAsync(balancer.Port);
            await client.SendAsync(cases[number].Replace("/first", $"/{number}", StringComparison.Ordinal).Replace("/hidden", $"/{number}/hidden", StringComparison.Ordinal) + Last + Last + Last);
            try
            {
                await client.Stream.ReadToEndAsync();
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"The connection does not end: {cases[number]}");
            }
        }

        var sent = balancer.Backend(node.Port).Counters.Requests;
        await Eventually.BeTrue(() => Targets(strict, node).Count >= sent, "every request has come to the node");
        output.WriteLine($"{cases.Count} attempts, {sent} requests for the node");
        Assert.Equal(sent, Targets(strict, node).Count);
        foreach (var connection in node.Connections)
        {
            var targets = strict.Read(connection, out _, out _);
            foreach (var reader in NodeReader.Lenient)
            {
                Assert.True(targets.SequenceEqual(reader.Read(connection, out _, out _)), $"{reader} reads otherwise after {Common(targets, reader, connection)} than by the letter:\n{connection}");
            }
        }
    }

    private static List<string> Targets(NodeReader reader, RecordingNode node) => [.. node.Connections.SelectMany(connection => reader.Read(connection, out _, out _))];

    private static string Common(List<string> targets, NodeReader reader, string connection) =>
        targets.Zip(reader.Read(connection, out _, out _)).TakeWhile(both => both.First == both.Second).LastOrDefault().First ?? "the start";
}
