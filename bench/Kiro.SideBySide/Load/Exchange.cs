namespace Kiro.SideBySide.Load;

/// <summary>One request and the answer that it must get.</summary>
/// <param name="Method">GET or POST.</param>
/// <param name="Path">What is asked for.</param>
/// <param name="RequestBody">Bytes sent with it.</param>
/// <param name="AnswerBody">Bytes that must come back, with status 200.</param>
internal sealed record Exchange(string Method, string Path, int RequestBody, int AnswerBody)
{
    public byte[] Body()
    {
        var body = new byte[RequestBody];
        Array.Fill(body, (byte)'x');
        return body;
    }
}
