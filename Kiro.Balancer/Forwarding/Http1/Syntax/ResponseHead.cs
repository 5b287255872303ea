namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>The head of an answer: what <see cref="ResponseParser"/> found in it. Used again for the next one.</summary>
internal sealed class ResponseHead
{
    /// <summary>The longest head that is taken, in bytes.</summary>
    public const int MostBytes = 64 * 1024;

    /// <summary>100 to 999.</summary>
    public int Status { get; set; }

    /// <summary>Place and length of the reason.</summary>
    public (int Start, int Length) Reason { get; set; }

    /// <summary>HTTP/1.0: no interim answers, no chunks, and no connection that stays open.</summary>
    public bool IsHttp10 { get; set; }

    /// <summary>Null when it is not given.</summary>
    public long? ContentLength { get; set; }

    public bool IsChunked { get; set; }

    /// <summary>Whether Connection says "close".</summary>
    public bool SaysClose { get; set; }

    /// <summary>Whether the connection ends with the answer.</summary>
    public bool Closes { get; set; }

    /// <summary>Whether Connection names fields that concern this connection only.</summary>
    public bool NamesFields { get; set; }

    /// <summary>Whether trailers are announced.</summary>
    public bool AnnouncesTrailers { get; set; }

    /// <summary>All fields, in their order.</summary>
    public List<ResponseField> Fields { get; } = [];

    /// <summary>An interim answer: another one follows.</summary>
    public bool IsInterim => Status < 200;

    /// <summary>How the body ends.</summary>
    /// <param name="isHead">Whether it answers a HEAD request.</param>
    public BodyFraming Framing(bool isHead) =>
        isHead || Status is < 200 or 204 or 205 or 304 ? BodyFraming.None
        : IsChunked ? BodyFraming.Chunked
        : ContentLength is null ? BodyFraming.UntilClose
        : ContentLength == 0 ? BodyFraming.None : BodyFraming.Length;

    public void Clear()
    {
        (Status, Reason, ContentLength) = (0, default, null);
        IsHttp10 = IsChunked = SaysClose = Closes = NamesFields = AnnouncesTrailers = false;
        Fields.Clear();
    }
}
