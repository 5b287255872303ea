namespace Kiro.Balancer.Forwarding;

/// <summary>Keeps small bodies of idempotent requests in memory, so that they can be sent to another node.</summary>
internal sealed class KeptBody
{
    /// <summary>In bytes.</summary>
    public const int Longest = 64 * 1024;

    private readonly byte[] _bytes;

    private KeptBody(byte[] bytes) => _bytes = bytes;

    /// <summary>Whether this request's body is worth keeping. One that waits for "100 Continue" is not: reading it
    /// would promise in the node's place that the body is welcome.</summary>
    public static bool IsFor(HttpRequest request) =>
        request.ContentLength is > 0 and <= Longest
        && RetryPolicy.IsIdempotent(request.Method)
        && request.Headers.Expect.Count == 0;

    /// <summary>Reads the body.</summary>
    /// <returns>Null when the client did not send what it announced: there is nobody, or nothing, to go on with.</returns>
    public static async Task<KeptBody?> ReadAsync(HttpContext context)
    {
        var bytes = new byte[(int)context.Request.ContentLength!.Value];
        try
        {
            await context.Request.Body.ReadExactlyAsync(bytes, context.RequestAborted);
            return new KeptBody(bytes);
        }
        catch (BadHttpRequestException broken)
        {
            await ErrorAnswer.WriteAsync(context, broken.StatusCode, "the body is not what was announced");
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            // Nobody waits for an answer.
        }

        return null;
    }

    /// <summary>Gives the request its body, from the first byte on.</summary>
    public void Rewind(HttpRequest request) => request.Body = new MemoryStream(_bytes, writable: false);
}
