using System.Text;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>Decodes chunked bodies (RFC 9112, section 7.1) incrementally. Chunk extensions are validated and dropped.</summary>
/// <param name="maxDigits">Maximum length of a chunk size; lower for untrusted peers.</param>
internal sealed class ChunkDecoder(int maxDigits = ChunkDecoder.MaxDigits)
{
    /// <summary>Maximum length in bytes of a chunk-size line with its extensions.</summary>
    private const int MaxLineBytes = 4096;

    /// <summary>Maximum accumulated framing overhead in bytes: stops bodies of tiny chunks with long extensions, which cost more
    /// than they carry.</summary>
    private const int MaxOverhead = 16 * 1024;

    /// <summary>Framing overhead in bytes that every chunk may have.</summary>
    private const int LineAllowance = 16;

    private const int MaxTrailers = 100;

    /// <summary>Hexadecimal digits that cannot overflow a <see cref="long"/>.</summary>
    private const int MaxDigits = 15;

    private ChunkPhase _phase;
    private long _remaining;
    private int _trailerBytes;
    private long _overhead;

    /// <summary>Whether the last chunk and the trailer section have been read.</summary>
    public bool IsComplete => _phase == ChunkPhase.Done;

    /// <summary>The trailer fields as received, without line endings.</summary>
    public List<byte[]> Trailers { get; } = [];

    /// <summary>Reads up to the end of the next run of chunk data.</summary>
    /// <param name="bytes">The received bytes that have not been consumed.</param>
    /// <param name="consumed">The number of bytes consumed; the data is at their end.</param>
    /// <param name="data">The number of data bytes among them.</param>
    /// <returns>False if the framing is invalid. If nothing was consumed, more input is needed.</returns>
    public bool TryRead(ReadOnlySpan<byte> bytes, out int consumed, out int data)
    {
        (consumed, data) = (0, 0);
        while (_phase != ChunkPhase.Done)
        {
            var rest = bytes[consumed..];
            if (rest.IsEmpty)
            {
                return true;
            }

            if (_phase == ChunkPhase.Data)
            {
                data = (int)Math.Min(_remaining, rest.Length);
                consumed += data;
                _remaining -= data;
                _phase = _remaining == 0 ? ChunkPhase.DataEnd : ChunkPhase.Data;
                return true;
            }

            if (!TryReadLine(rest, out var length))
            {
                return false;
            }

            if (length == 0)
            {
                return true;
            }

            consumed += length;
        }

        return true;
    }

    // A length of 0 means that the line is incomplete.
    private bool TryReadLine(ReadOnlySpan<byte> rest, out int length)
    {
        length = 0;
        var end = rest.IndexOfAny((byte)'\r', (byte)'\n');
        if (end < 0)
        {
            return rest.Length <= MaxLength && (_phase != ChunkPhase.Size || char.IsAsciiHexDigit((char)rest[0]));
        }

        if (rest[end] != '\r' || end > MaxLength || (end + 1 < rest.Length && rest[end + 1] != '\n'))
        {
            return false;
        }

        if (end + 1 == rest.Length)
        {
            return true;
        }

        length = end + 2;
        var line = rest[..end];
        switch (_phase)
        {
            case ChunkPhase.Size:
                return TryReadSize(line);
            case ChunkPhase.DataEnd:
                _phase = ChunkPhase.Size;
                return line.IsEmpty;
            default:
                return TryReadTrailer(line);
        }
    }

    private int MaxLength => _phase switch
    {
        ChunkPhase.DataEnd => 0,
        ChunkPhase.Trailers => ResponseHead.MaxBytes - _trailerBytes,
        _ => MaxLineBytes,
    };

    private bool TryReadSize(ReadOnlySpan<byte> line)
    {
        var digits = 0;
        for (_remaining = 0; digits < line.Length && digits <= maxDigits && char.IsAsciiHexDigit((char)line[digits]); digits++)
        {
            var digit = line[digits] | 0x20;
            _remaining = (_remaining << 4) + (digit <= '9' ? digit - '0' : digit - 'a' + 10);
        }

        _phase = _remaining == 0 ? ChunkPhase.Trailers : ChunkPhase.Data;
        _overhead = Math.Max(0, _overhead + line.Length - LineAllowance - _remaining);
        var extension = line[digits..].TrimStart(" \t"u8);
        return digits > 0 && digits <= maxDigits && _overhead <= MaxOverhead && (extension.IsEmpty || (extension[0] == ';' && HttpSyntax.IsText(extension)));
    }

    private bool TryReadTrailer(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty)
        {
            _phase = ChunkPhase.Done;
            return true;
        }

        var name = HttpSyntax.TokenLength(line);
        _trailerBytes += line.Length + 2;
        Trailers.Add(line.ToArray());
        return name > 0 && name < line.Length && line[name] == ':' && HttpSyntax.IsText(line) && Trailers.Count <= MaxTrailers;
    }
}

/// <summary>What comes next in a chunked body.</summary>
internal enum ChunkPhase
{
    Size,
    Data,
    DataEnd,
    Trailers,
    Done,
}

/// <summary>Which fields may be sent as trailers (RFC 9110, section 6.5.1): none that affect framing, routing, authentication or
/// content handling.</summary>
internal static class Trailers
{
    private static readonly HashSet<string> Forbidden = new(StringComparer.OrdinalIgnoreCase)
    {
        "Age", "Authorization", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type",
        "Date", "Expect", "Expires", "Host", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since",
        "Keep-Alive", "Location", "Max-Forwards", "Pragma", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Range",
        "Retry-After", "Set-Cookie", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Vary", "Warning", "WWW-Authenticate",
    };

    /// <summary>
    /// The fields allowed as request trailers. A backend may merge trailers into the header section, so fields that the balancer acts on are
    /// dropped as well: they could spoof the client's identity.
    /// </summary>
    /// <param name="lines">Valid field lines without line endings.</param>
    public static IReadOnlyList<byte[]> AllowedInRequest(IEnumerable<byte[]> lines) =>
        [.. Allowed(lines).Where(line => RequestFieldNames.Find(line.AsSpan(0, HttpSyntax.TokenLength(line))) == RequestFieldKind.EndToEnd)];

    /// <param name="lines">Valid field lines without line endings.</param>
    public static IReadOnlyList<byte[]> Allowed(IEnumerable<byte[]> lines) =>
        [.. lines.Where(line => IsAllowed(Encoding.ASCII.GetString(line.AsSpan(0, HttpSyntax.TokenLength(line)))))];

    public static bool IsAllowed(string name) => !Forbidden.Contains(name);
}
