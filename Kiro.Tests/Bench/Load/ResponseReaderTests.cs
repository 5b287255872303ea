using System.Text;
using Kiro.SideBySide.Load;

namespace Kiro.Tests.Bench.Load;

public sealed class ResponseReaderTests
{
    private const string WithLength = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\nX-A: b\r\n\r\nhello world";
    private const string WithChunks =
        "HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX-T: 1\r\n\r\n";

    [Theory]
    [InlineData(WithLength, 200, false)]
    [InlineData(WithChunks, 503, true)]
    public void Read_SplitAtEveryByte_IsTheSame(string response, int status, bool closes)
    {
        var bytes = Encoding.ASCII.GetBytes(response);
        var reader = new ResponseReader();
        for (var cut = 1; cut < bytes.Length; cut++)
        {
            reader.Reset();
            Assert.Equal(ResponseState.Partial, reader.Read(bytes.AsSpan(0, cut)));
            Assert.Equal(ResponseState.Whole, reader.Read(bytes.AsSpan(cut)));
            Assert.Equal((status, 11, closes), (reader.Status, reader.BodyLength, reader.Closes));
        }
    }

    [Theory]
    [InlineData(WithLength)]
    [InlineData(WithChunks)]
    public void Read_ByteByByte_IsWholeAtTheLast(string response)
    {
        var reader = new ResponseReader();
        var states = Encoding.ASCII.GetBytes(response).Select(next => reader.Read([next])).ToArray();
        Assert.All(states[..^1], state => Assert.Equal(ResponseState.Partial, state));
        Assert.Equal((ResponseState.Whole, 11L), (states[^1], reader.BodyLength));
    }

    [Theory]
    [InlineData(WithLength + "x")]
    [InlineData(WithChunks + "x")]
    [InlineData("SSH-2.0-nobody\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\nuntil it closes")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")]
    public void Read_InvalidResponse_IsBroken(string response) =>
        Assert.Equal(ResponseState.Broken, new ResponseReader().Read(Encoding.ASCII.GetBytes(response)));

    [Fact]
    public void Read_EndlessHead_IsBroken()
    {
        var reader = new ResponseReader();
        var state = reader.Read("HTTP/1.1 200 OK\r\n"u8);
        for (var line = 0; line < 1000 && state == ResponseState.Partial; line++)
        {
            state = reader.Read(Encoding.ASCII.GetBytes($"X-{line}: {new string('x', 100)}\r\n"));
        }

        Assert.Equal(ResponseState.Broken, state);
    }
}
