using System.IO.Pipelines;
using Kiro.Balancer.Forwarding;
using Microsoft.AspNetCore.Http;

namespace Kiro.Tests.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Retry;

public sealed class BufferedBodyTests
{
    private readonly BufferBudget _all = new();

    [Theory]
    [InlineData("PUT", 1L, true)]
    [InlineData("PUT", 65_536L, true)]
    [InlineData("DELETE", 10L, true)]
    [InlineData("GET", 10L, true)]
    [InlineData("PUT", 0L, false)]
    [InlineData("PUT", 65_537L, false)]
    [InlineData("PUT", null, false)]
    [InlineData("POST", 10L, false)]
    [InlineData("PATCH", 10L, false)]
    public void IsFor_MethodAndLength_OnlySmallOnesThatMayBeRepeated(string method, long? length, bool expected)
    {
        var request = new DefaultHttpContext().Request;
        (request.Method, request.ContentLength) = (method, length);

        Assert.Equal(expected, BufferedBody.IsFor(request));
    }

    [Fact]
    public void IsFor_ThatWaitsForContinue_IsFalse()
    {
        var request = new DefaultHttpContext().Request;
        (request.Method, request.ContentLength) = ("PUT", 10);
        request.Headers.Expect = "100-continue";

        Assert.False(BufferedBody.IsFor(request));
    }

    [Fact]
    public async Task ReadAsync_WholeBody_IsKept()
    {
        var context = Context(new MemoryStream("hello"u8.ToArray()));

        using var kept = await BufferedBody.ReadAsync(context, _all);

        Assert.Equal("hello"u8.ToArray(), kept!.Bytes);
    }

    [Theory]
    [InlineData(typeof(IOException))]
    [InlineData(typeof(OperationCanceledException))]
    public async Task ReadAsync_ClientIsGone_IsNullAndQuiet(Type failure)
    {
        var pipe = new Pipe();
        await pipe.Writer.CompleteAsync((Exception)Activator.CreateInstance(failure)!);
        var context = Context(pipe.Reader.AsStream());

        Assert.Null(await BufferedBody.ReadAsync(context, _all));
        Assert.Equal(200, context.Response.StatusCode);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(408)]
    public async Task ReadAsync_BodyIsBroken_AnswersWhatIsWrong(int status)
    {
        var pipe = new Pipe();
        await pipe.Writer.CompleteAsync(new BadHttpRequestException("broken", status));
        var context = Context(pipe.Reader.AsStream());

        Assert.Null(await BufferedBody.ReadAsync(context, _all));
        Assert.Equal(status, context.Response.StatusCode);
    }

    [Fact]
    public async Task Dispose_AndABodyThatNeverCame_GiveTheirBytesBack()
    {
        for (var body = 0; body < 2000; body++)
        {
            Assert.True(_all.TryTake(BufferBudget.MaxBytes));
            var context = Context(new MemoryStream(body % 2 == 0 ? "hello"u8.ToArray() : []));
            context.Request.ContentLength = 5;
            _all.Return(BufferBudget.MaxBytes - 5);
            (await BufferedBody.ReadAsync(context, _all))?.Dispose();
        }
    }

    [Fact]
    public void TryTake_BeyondTheBound_IsRefusedAndTakesNothing()
    {
        Assert.True(_all.TryTake(BufferBudget.MaxBytes));
        Assert.False(_all.TryTake(1));
        _all.Return(BufferBudget.MaxBytes);
        Assert.True(_all.TryTake(BufferBudget.MaxBytes));
    }

    private static DefaultHttpContext Context(Stream body)
    {
        var context = new DefaultHttpContext();
        (context.Request.Method, context.Request.ContentLength, context.Request.Body) = ("PUT", 5, body);
        return context;
    }
}
