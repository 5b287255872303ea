using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Forwarding;

/// <summary>Keeps small bodies of idempotent requests in memory, so that they can be sent to another node.</summary>
internal sealed class KeptBody : IDisposable
{
    /// <summary>In bytes.</summary>
    public const int MaxBytes = 64 * 1024;

    private readonly KeptBytes _all;

    private KeptBody(byte[] bytes, KeptBytes all) => (Bytes, _all) = (bytes, all);

    /// <summary>The whole body.</summary>
    public byte[] Bytes { get; }

    /// <summary>Whether this request's body is worth keeping. One that waits for "100 Continue" is not: reading it
    /// would promise in the node's place that the body is welcome.</summary>
    public static bool IsFor(HttpRequest request) =>
        request.ContentLength is > 0 and <= MaxBytes
        && RetryPolicy.IsIdempotent(request.Method)
        && request.Headers.Expect.Count == 0;

    /// <summary>Reads the body.</summary>
    /// <returns>Null when the client did not send what it announced: there is nobody, or nothing, to go on with.</returns>
    /// <param name="context">The request; its length has been taken from <paramref name="all"/>.</param>
    /// <param name="all">Gets the length back when the body is not needed any more.</param>
    public static async Task<KeptBody?> ReadAsync(HttpContext context, KeptBytes all)
    {
        var length = (int)context.Request.ContentLength!.Value;
        try
        {
            var bytes = new byte[length];
            await context.Request.Body.ReadExactlyAsync(bytes, context.RequestAborted);
            return new KeptBody(bytes, all);
        }
        catch (BadHttpRequestException broken)
        {
            await ErrorResponse.WriteAsync(context, broken.StatusCode, "the body is not what was announced");
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            // Nobody waits for a response.
        }

        all.Return(length);
        return null;
    }

    public void Dispose() => _all.Return(Bytes.Length);
}

/// <summary>Bounds the memory of all kept bodies together: beyond it a body is streamed, which only costs its second try.</summary>
internal sealed class KeptBytes
{
    /// <summary>In bytes.</summary>
    public const long MaxBytes = 64 * 1024 * 1024;

    private long _kept;

    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _kept, bytes) <= MaxBytes)
        {
            return true;
        }

        Return(bytes);
        return false;
    }

    public void Return(long bytes) => Interlocked.Add(ref _kept, -bytes);
}
