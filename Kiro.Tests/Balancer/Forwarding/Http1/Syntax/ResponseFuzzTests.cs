using System.Globalization;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Tests.Balancer.Forwarding.Differential;
using Kiro.Tests.Balancer.Forwarding.Http1.Exchange;
using Kiro.Tests.Balancer.Selection;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Syntax;

/// <summary>
/// Fuzzes the response parser with thousands of mutated responses. <c>KIRO_FUZZ</c> sets the number, for long runs, and
/// <c>KIRO_FUZZ_SEED</c> the seed.
/// </summary>
public sealed class ResponseFuzzTests(ITestOutputHelper output)
{
    private static readonly string[] Heads =
    [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=b; Path=/\r\nTrailer: X-T\r\n\r\n",
        "HTTP/1.0 304 Not Modified\r\nETag: \"x\"\r\nConnection: close, X-A\r\nX-A:  b \t\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 5\r\nKeep-Alive: timeout=5\n\nhello",
        "HTTP/1.1 200\r\nX-Empty:\r\nX-Latin: caf\u00e9\r\nContent-Length: 0\r\n\r\n",
    ];

    private static readonly string[] Bodies =
    [
        "5\r\nhello\r\n0\r\n\r\n",
        "a;x=y\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\nHTTP/1.1 200 OK",
        "1\r\na\r\n1;\r\nb\r\n1 \t\r\nc\r\n000\r\n\r\n",
    ];

    private static int Cases => int.TryParse(Environment.GetEnvironmentVariable("KIRO_FUZZ"), CultureInfo.InvariantCulture, out var cases) ? cases : 20_000;

    private static int Seed => int.TryParse(Environment.GetEnvironmentVariable("KIRO_FUZZ_SEED"), CultureInfo.InvariantCulture, out var seed) ? seed : 1;

    [Fact]
    public void Heads_MutatedAndSplit_AreAcceptedOnlyIfUnambiguous()
    {
        var (random, taken) = (new Random(Seed), 0);
        for (var number = 0; number < Cases; number++)
        {
            var bytes = Mutations.Of(Heads[random.Next(Heads.Length)], random);
            var expected = NaiveHead.Read(bytes);
            var (state, length) = Parse(bytes, bytes.Length);
            Assert.True(expected is null ? state != HeadState.Complete : state == HeadState.Complete && length == expected.Length, Show(bytes));
            var (cutState, cutLength) = Parse(bytes, random.Next(1, 9));
            Assert.True(state == HeadState.Complete ? (state, length) == (cutState, cutLength) : cutState != HeadState.Complete, Show(bytes));
            taken += state == HeadState.Complete ? 1 : 0;
        }

        output.WriteLine($"{Cases} heads, {taken} taken");
        Assert.InRange(taken, Cases / 10, Cases * 9 / 10);
    }

    [Fact]
    public void Chunks_MutatedAndSplit_MatchTheReferenceDecoder()
    {
        var (random, taken) = (new Random(Seed), 0);
        for (var number = 0; number < Cases; number++)
        {
            var bytes = Mutations.Of(Bodies[random.Next(Bodies.Length)], random);
            var expected = NaiveChunks.Read(bytes);
            foreach (var cut in (int[])[bytes.Length + 1, random.Next(1, 9), 1])
            {
                var actual = Decode(bytes, cut);
                Assert.True(expected is null == actual is null && (expected is not { } good || (good.End == actual!.Value.End && good.Data.AsSpan().SequenceEqual(actual.Value.Data))), Show(bytes));
            }

            taken += expected is null ? 0 : 1;
        }

        output.WriteLine($"{Cases} chunked bodies, {taken} taken");
        Assert.InRange(taken, Cases / 10, Cases * 9 / 10);
    }

    private static (HeadState State, int Length) Parse(byte[] bytes, int step)
    {
        var (head, looked) = (new ResponseHead(), 0);
        for (var end = Math.Min(step, bytes.Length); end > 0; end = Math.Min(end + step, bytes.Length))
        {
            var state = ResponseParser.Parse(bytes.AsSpan(0, end), looked, head, out var length);
            looked = end;
            if (state != HeadState.Incomplete || end == bytes.Length)
            {
                return (state, length);
            }
        }

        return (HeadState.Incomplete, 0);
    }

    private static (byte[] Data, int End)? Decode(byte[] bytes, int step)
    {
        var (chunks, data, start) = (new ChunkDecoder(), new List<byte>(), 0);
        for (var end = Math.Min(step, bytes.Length); ; end = Math.Min(end + step, bytes.Length))
        {
            int consumed;
            do
            {
                if (!chunks.TryRead(bytes.AsSpan(start, end - start), out consumed, out var count))
                {
                    return null;
                }

                data.AddRange(bytes.AsSpan(start + consumed - count, count));
                start += consumed;
            }
            while (consumed > 0);

            if (chunks.IsComplete || end == bytes.Length)
            {
                return chunks.IsComplete ? ([.. data], start) : null;
            }
        }
    }

    private static string Show(byte[] bytes) => System.Text.Encoding.Latin1.GetString(bytes).Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
