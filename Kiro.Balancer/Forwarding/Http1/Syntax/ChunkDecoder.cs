using System.Text;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>
/// Takes chunked bodies apart (RFC 9112, section 7.1), wherever the network cut them. Extensions are checked and dropped.
/// </summary>
/// <param name="maxDigits">Of a size. Fewer for ends that are not to be trusted.</param>
internal sealed class ChunkDecoder(int maxDigits = ChunkDecoder.MaxDigits)
{
    /// <summary>Of a line with a size and its extensions, in bytes. Only who wants to tire us sends longer ones.</summary>
    private const int MaxLineBytes = 4096;

    /// <summary>
    /// What lines may take beyond their fair share, in bytes: a body of single bytes, each with a long extension, costs more
    /// than it carries.
    /// </summary>
    private const int MaxExcess = 16 * 1024;

    /// <summary>Of a chunk beside its data, in bytes.</summary>
    private const int FairLine = 16;

    /// <summary>Trailers of one message at most.</summary>
    private const int MaxTrailers = 100;

    /// <summary>Hexadecimal: no number overflows.</summary>
    private const int MaxDigits = 15;

    private ChunkPhase _phase;
    private long _left;
    private int _trailerBytes;
    private long _excess;

    /// <summary>The last chunk was read, and all that follows it.</summary>
    public bool IsComplete => _phase == ChunkPhase.Done;

    /// <summary>What followed the last chunk, as it came: whole lines.</summary>
    public List<byte[]> Trailers { get; } = [];

    /// <summary>Reads up to the end of the next piece of data.</summary>
    /// <param name="bytes">What came and was not consumed.</param>
    /// <param name="consumed">How many of them are done with; the data are the last of these.</param>
    /// <param name="data">How many of those are data.</param>
    /// <returns>False when these are no chunks. Nothing consumed means that more must come.</returns>
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
                data = (int)Math.Min(_left, rest.Length);
                consumed += data;
                _left -= data;
                _phase = _left == 0 ? ChunkPhase.EndOfData : ChunkPhase.Data;
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

    // A length of 0: the line is not all there.
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
            case ChunkPhase.EndOfData:
                _phase = ChunkPhase.Size;
                return line.IsEmpty;
            default:
                return TryReadTrailer(line);
        }
    }

    private int MaxLength => _phase switch
    {
        ChunkPhase.EndOfData => 0,
        ChunkPhase.Trailers => ResponseHead.MaxBytes - _trailerBytes,
        _ => MaxLineBytes,
    };

    private bool TryReadSize(ReadOnlySpan<byte> line)
    {
        var digits = 0;
        for (_left = 0; digits < line.Length && digits <= maxDigits && char.IsAsciiHexDigit((char)line[digits]); digits++)
        {
            var digit = line[digits] | 0x20;
            _left = (_left << 4) + (digit <= '9' ? digit - '0' : digit - 'a' + 10);
        }

        _phase = _left == 0 ? ChunkPhase.Trailers : ChunkPhase.Data;
        _excess = Math.Max(0, _excess + line.Length - FairLine - _left);
        var extension = line[digits..].TrimStart(" \t"u8);
        return digits > 0 && digits <= maxDigits && _excess <= MaxExcess && (extension.IsEmpty || (extension[0] == ';' && HttpSyntax.IsText(extension)));
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

/// <summary>What a chunked body goes on with.</summary>
internal enum ChunkPhase
{
    Size,
    Data,
    EndOfData,
    Trailers,
    Done,
}

/// <summary>Which fields may follow a body (RFC 9110, section 6.5.1): none that frame, route, authenticate or change it.</summary>
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
    /// Of a request. A node may take trailers for fields, so none is passed on that the balancer would have acted on: they
    /// would say behind its back who the client is.
    /// </summary>
    /// <param name="lines">Valid fields, without the ends of their lines.</param>
    public static IReadOnlyList<byte[]> AllowedInRequest(IEnumerable<byte[]> lines) =>
        [.. Allowed(lines).Where(line => RequestFieldNames.Find(line.AsSpan(0, HttpSyntax.TokenLength(line))) == RequestFieldKind.EndToEnd)];

    /// <param name="lines">Valid fields, without the ends of their lines.</param>
    public static IReadOnlyList<byte[]> Allowed(IEnumerable<byte[]> lines) =>
        [.. lines.Where(line => IsAllowed(Encoding.ASCII.GetString(line.AsSpan(0, HttpSyntax.TokenLength(line)))))];

    public static bool IsAllowed(string name) => !Forbidden.Contains(name);
}
