using System.Globalization;
using CsCheck;

namespace Kiro.Tests.Balancer.Forwarding.Differential;

/// <summary>
/// All paths send the node the same request and the client the same response, whatever client and node do. <c>KIRO_CASES</c> sets the number
/// of random cases.
/// </summary>
public sealed class DifferentialTests
{
    private static long Count => long.TryParse(Environment.GetEnvironmentVariable("KIRO_CASES"), CultureInfo.InvariantCulture, out var count) ? count : 400;

    [Fact]
    public async Task Cases_Random_ComeOutTheSameOverAllPaths()
    {
        await using var paths = await AllPaths.StartAsync();

        await Cases.Any.SampleAsync(
            async played =>
            {
                var outcomes = await paths.PlayAsync(played);
                var compared = Differences.AreKestrelsOwn(played) ? outcomes with { Loop = outcomes.Lean } : outcomes;
                Assert.True(compared.Select(outcome => Differences.Without(played, outcome)).AreSame, $"{played}\n{outcomes}");
            },
            iter: Count, threads: 1);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n", "hello world", "")]
    [InlineData("HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n00\r\nX-T: 1\r\n\r\n", "0123456789", "X-T: 1\r\n")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", "")]
    public async Task Answer_CutAtEveryByte_IsTheSame(string answer, string body, string trailers)
    {
        await using var paths = await AllPaths.StartAsync();
        for (var cut = 1; cut < answer.Length; cut++)
        {
            var outcomes = await paths.PlayAsync(new Case("GET / HTTP/1.1\r\n", "", Cases.Cut(answer, cut), Closes: false) { Pause = 3 });

            Assert.True(outcomes.Loop.Answered.EndsWith($"\n{body}\n{trailers}", StringComparison.Ordinal), $"cut at {cut}: {outcomes.Loop}");
            Assert.True(outcomes.AreSame, $"cut at {cut}\n{outcomes}");
        }
    }

    [Fact]
    public async Task Request_ChunksCutAtEveryByte_AreTheSame()
    {
        const string Chunks = "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n";
        await using var paths = await AllPaths.StartAsync();
        for (var cut = 0; cut < Chunks.Length; cut++)
        {
            var outcomes = await paths.PlayAsync(
                new Case("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", Chunks, ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], Closes: false) { BodyCut = cut, Pause = 3 });

            Assert.True(outcomes.Loop.Received!.EndsWith("\nhello world", StringComparison.Ordinal), $"cut at {cut}: {outcomes.Loop}");
            Assert.True(outcomes.AreSame, $"cut at {cut}\n{outcomes}");
        }
    }
}
