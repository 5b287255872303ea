using System.Globalization;

namespace Kiro.Tests.Support;

/// <summary>A response as it came over the wire.</summary>
/// <param name="Head">The status line and the fields.</param>
/// <param name="Body">Without its framing.</param>
/// <param name="Trailers">What followed the last chunk.</param>
/// <param name="IsComplete">False when the connection ended before the body did.</param>
internal sealed record RawResponse(string Head, string Body, string Trailers, bool IsComplete)
{
    public string StatusLine => RawHead.StartLine(Head);

    public int Status => int.Parse(StatusLine.Split(' ')[1], CultureInfo.InvariantCulture);

    public string? Value(string name) => RawHead.Value(Head, name);

    public IReadOnlyList<string> Values(string name) => RawHead.Values(Head, name);

    public bool Has(string name) => RawHead.Has(Head, name);
}
