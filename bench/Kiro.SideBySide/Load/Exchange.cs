namespace Kiro.SideBySide.Load;

/// <summary>One request and its expected response.</summary>
/// <param name="Method">GET or POST.</param>
/// <param name="Path">The path.</param>
/// <param name="RequestBody">The length of the request body.</param>
/// <param name="AnswerBody">The expected length of the response body, with status 200.</param>
internal sealed record Exchange(string Method, string Path, int RequestBody, int AnswerBody)
{
    public byte[] Body()
    {
        var body = new byte[RequestBody];
        Array.Fill(body, (byte)'x');
        return body;
    }
}
