using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Forwarding;

/// <summary>The body of a small idempotent request, buffered so that it can be sent again.</summary>
internal sealed class BufferedBody : IDisposable
{
    /// <summary>In bytes.</summary>
    public const int MaxBytes = 64 * 1024;

    private readonly BufferBudget _budget;

    private BufferedBody(byte[] bytes, BufferBudget budget) => (Bytes, _budget) = (bytes, budget);

    public byte[] Bytes { get; }

    /// <summary>Whether the body is worth buffering. Not with <c>Expect: 100-continue</c>: reading the body would accept it in the
    /// backend's place.</summary>
    public static bool IsFor(HttpRequest request) =>
        request.ContentLength is > 0 and <= MaxBytes
        && RetryPolicy.IsIdempotent(request.Method)
        && request.Headers.Expect.Count == 0;

    /// <returns>Null if the client did not send the whole body: there is nothing to forward.</returns>
    /// <param name="context">The request; its length has been taken from <paramref name="budget"/>.</param>
    /// <param name="budget">Gets the length back when the buffer is released.</param>
    public static async Task<BufferedBody?> ReadAsync(HttpContext context, BufferBudget budget)
    {
        var length = (int)context.Request.ContentLength!.Value;
        try
        {
            var bytes = new byte[length];
            await context.Request.Body.ReadExactlyAsync(bytes, context.RequestAborted);
            return new BufferedBody(bytes, budget);
        }
        catch (BadHttpRequestException broken)
        {
            await ErrorResponse.WriteAsync(context, broken.StatusCode, "the request body is incomplete or malformed");
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            // The client is gone.
        }

        budget.Return(length);
        return null;
    }

    public void Dispose() => _budget.Return(Bytes.Length);
}

/// <summary>Limits the memory of all buffered bodies. Beyond it, bodies are streamed and cannot be retried.</summary>
internal sealed class BufferBudget
{
    /// <summary>In bytes.</summary>
    public const long MaxBytes = 64 * 1024 * 1024;

    private long _used;

    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _used, bytes) <= MaxBytes)
        {
            return true;
        }

        Return(bytes);
        return false;
    }

    public void Return(long bytes) => Interlocked.Add(ref _used, -bytes);
}
