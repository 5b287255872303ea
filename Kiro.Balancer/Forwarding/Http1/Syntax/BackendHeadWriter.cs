using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;
using Kiro.Balancer.Clients;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>
/// Writes the head of a request for a node from the client's: target in origin form, fields as they came but for those that
/// end here, the framing and the words about the client being the balancer's own.
/// </summary>
internal ref struct BackendHeadWriter
{
    private const int MaxAddress = 45;

    // Names of our own fields, four addresses, a length, and what quotes them.
    private const int OwnBytes = 768;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly RequestHead _head;
    private readonly Span<byte> _output;
    private int _length;

    private BackendHeadWriter(ReadOnlySpan<byte> bytes, RequestHead head, Span<byte> output)
    {
        _bytes = bytes;
        _head = head;
        _output = output;
    }

    /// <summary>Room that is enough, in bytes.</summary>
    public static int MaxLength(RequestHead head, in RequestAdditions additions) =>
        head.Length + 3 * head.FieldCount + 2 * head.Host.Length + additions.Authority.Length + additions.CdnLoopId.Length + additions.CertificateLine.Length
        + additions.Lines.Length + OwnBytes;

    /// <summary>Writes the head.</summary>
    /// <param name="bytes">Those that the head was read from.</param>
    /// <param name="head">What was found in them.</param>
    /// <param name="additions">What is added.</param>
    /// <param name="output">Room for <see cref="MaxLength"/> bytes.</param>
    /// <returns>The length in bytes.</returns>
    public static int Write(ReadOnlySpan<byte> bytes, RequestHead head, in RequestAdditions additions, Span<byte> output)
    {
        var writer = new BackendHeadWriter(bytes, head, output);
        writer.WriteRequestLine(additions.Authority);
        writer.WriteFields(additions);
        writer.WriteForwarded(additions);
        writer.Write(additions.CertificateLine);
        writer.WriteMark(additions.CdnLoopId);
        writer.Write(additions.Lines);
        writer.WriteConnection();
        writer.WriteFraming();
        writer.Write("\r\n"u8);
        return writer._length;
    }

    private readonly ReadOnlySpan<byte> Host => At(_head.Host);

    private readonly ReadOnlySpan<byte> At((int Start, int Length) range) => _bytes.Slice(range.Start, range.Length);

    private void WriteRequestLine(ReadOnlySpan<byte> authority)
    {
        Write(At(_head.MethodName));
        var path = At(_head.Path);
        Write(path.IsEmpty && _head.Method == RequestMethod.Options ? " *"u8 : path.IsEmpty || path[0] == '?' ? " /"u8 : " "u8);
        Write(path);
        Write(" HTTP/1.1\r\nHost: "u8);
        Write(_head.Host.Length > 0 ? Host : authority);
        Write("\r\n"u8);
    }

    // Fields that follow one another and are written as usual are copied in one go.
    private void WriteFields(in RequestAdditions additions)
    {
        var (from, to) = (0, 0);
        foreach (ref readonly var field in _head.Fields)
        {
            var passes = !field.IsNamed && IsPassedOn(field.Kind, additions) && !IsUntrusted(field, additions);
            var isShared = passes && field.Kind == RequestFieldKind.Cookie && additions.OwnCookie?.IsIn(field.Value(_bytes)) == true;
            if (passes && !isShared && field.NameStart == to && IsUsual(field))
            {
                to = field.LineEnd;
                continue;
            }

            Write(_bytes[from..to]);
            (from, to) = (0, 0);
            if (isShared)
            {
                WriteOthers(field, additions.OwnCookie!);
            }
            else if (passes && IsUsual(field))
            {
                (from, to) = (field.NameStart, field.LineEnd);
            }
            else if (passes)
            {
                Write(field.Name(_bytes));
                Write(": "u8);
                Write(field.Value(_bytes));
                Write("\r\n"u8);
            }
        }

        Write(_bytes[from..to]);
    }

    private void WriteOthers(in RequestField field, StickyCookie own)
    {
        var start = _length;
        Write(field.Name(_bytes));
        Write(": "u8);
        var length = own.Remove(field.Value(_bytes), _output[_length..]);
        _length = length == 0 ? start : _length + length;
        Write(length == 0 ? [] : "\r\n"u8);
    }

    // One space before the value and none behind.
    private readonly bool IsUsual(in RequestField field) =>
        field.ValueStart == field.NameStart + field.NameLength + 2 && field.ValueStart + field.ValueLength + 2 == field.LineEnd
        && _bytes[field.ValueStart - 1] == ' ';

    private readonly bool IsPassedOn(RequestFieldKind kind, in RequestAdditions additions) => kind switch
    {
        RequestFieldKind.EndToEnd or RequestFieldKind.Authorization or RequestFieldKind.WebSocketKey or RequestFieldKind.Cookie => true,
        RequestFieldKind.CdnLoop => additions.CdnLoopId.IsEmpty,
        RequestFieldKind.Expect => !_head.IsHttp10,
        RequestFieldKind.Trailer => _head.IsChunked,
        RequestFieldKind.TraceParent => !additions.ReplacesTrace,
        RequestFieldKind.Claim => additions.Client.PeerIsTrusted,
        _ => false,
    };

    // Some nodes take an underscore for a hyphen. Whoever is trusted writes the name as it is set.
    private readonly bool IsUntrusted(in RequestField field, in RequestAdditions additions) =>
        field.NameLength == additions.TrustedField.Length
        && (Ascii.EqualsIgnoreCase(field.Name(_bytes), additions.TrustedField)
            ? !additions.Client.PeerIsTrusted : RequestFieldNames.IsLookalikeOf(field.Name(_bytes), additions.TrustedField));

    // What a trusted proxy said before is kept and completed; what anybody else claimed is dropped.
    private void WriteForwarded(in RequestAdditions additions)
    {
        var (client, hasForwarded) = (additions.Client, false);
        var ownProto = additions.IsSecure ? "https"u8 : "http"u8;
        var proto = ownProto;
        var host = Host;
        Write("X-Forwarded-For: "u8);
        if (client.PeerIsTrusted)
        {
            WriteList(RequestFieldKind.ForwardedFor);
            hasForwarded = HasForwarded();

            proto = FirstOf(RequestFieldKind.ForwardedProto, proto);
            host = FirstOf(RequestFieldKind.ForwardedHost, host);
        }

        Write(client.Peer);
        Write("\r\nX-Forwarded-Proto: "u8);
        Write(proto);
        if (!host.IsEmpty)
        {
            Write("\r\nX-Forwarded-Host: "u8);
            Write(host);
        }

        Write("\r\nX-Real-IP: "u8);
        Write(client.Address);
        Write("\r\n"u8);
        if (client.Key is { } key)
        {
            Write("X-Kiro-Client: "u8);
            if (client.IsNew)
            {
                Write("new"u8);
            }
            else
            {
                Utf8Formatter.TryFormat(key.Value, _output[_length..], out var digits, new System.Buffers.StandardFormat('x', 16));
                _length += digits;
            }

            Write("\r\n"u8);
        }

        if (hasForwarded || additions.WritesForwarded)
        {
            WriteStandard(client, ownProto);
        }
    }

    private readonly bool HasForwarded()
    {
        foreach (ref readonly var field in _head.Fields)
        {
            if (field.Kind == RequestFieldKind.Forwarded)
            {
                return true;
            }
        }

        return false;
    }

    private readonly ReadOnlySpan<byte> FirstOf(RequestFieldKind kind, ReadOnlySpan<byte> other) =>
        _head.FirstValue(_bytes, kind) is { IsEmpty: false } value ? value : other;

    // What a trusted peer said is completed by one more element (RFC 7239, section 4). What is left in the middle of a quoted
    // string cannot be, and is dropped.
    private void WriteStandard(in Client client, ReadOnlySpan<byte> proto)
    {
        Write("Forwarded: "u8);
        var start = _length;
        if (client.PeerIsTrusted)
        {
            WriteList(RequestFieldKind.Forwarded);
            if (_length > start && !ForwardedElement.CanBeCompleted(Encoding.Latin1.GetString(_output[start..(_length - 2)])))
            {
                _length = start;
            }
        }

        _length += ForwardedElement.Write(_output[_length..], client.Peer, Host, proto);
        Write("\r\n"u8);
    }

    private void WriteMark(ReadOnlySpan<byte> mark)
    {
        if (!mark.IsEmpty)
        {
            Write("CDN-Loop: "u8);
            WriteList(RequestFieldKind.CdnLoop);
            Write(mark);
            Write("\r\n"u8);
        }
    }

    // All lines of a field in one, with a comma behind each.
    private void WriteList(RequestFieldKind kind)
    {
        foreach (ref readonly var field in _head.Fields)
        {
            if (field.Kind == kind && field.ValueLength > 0)
            {
                Write(field.Value(_bytes));
                Write(", "u8);
            }
        }
    }

    private void WriteConnection()
    {
        if (_head.IsWebSocket)
        {
            Write("Connection: Upgrade\r\nUpgrade: websocket\r\n"u8);
        }
        else if (_head.AcceptsTrailers)
        {
            // RFC 9110, section 10.1.4: TE goes with an option of that name.
            Write("Connection: TE\r\nTE: trailers\r\n"u8);
        }
    }

    private void WriteFraming()
    {
        if (_head.IsChunked)
        {
            Write("Transfer-Encoding: chunked\r\n"u8);
        }
        else if (_head.ContentLength is not null || _head.Method is RequestMethod.Post or RequestMethod.Put or RequestMethod.Other)
        {
            // A method that gives content a meaning says that there is none (RFC 9110, section 8.6).
            Write("Content-Length: "u8);
            Utf8Formatter.TryFormat(_head.ContentLength ?? 0, _output[_length..], out var digits);
            _length += digits;
            Write("\r\n"u8);
        }
    }

    private void Write(ClientAddress address)
    {
        address.TryFormat(_output.Slice(_length, MaxAddress), out var length);
        _length += length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Write(ReadOnlySpan<byte> text)
    {
        text.CopyTo(_output[_length..]);
        _length += text.Length;
    }
}

/// <summary>What a node is told beyond what the client sent.</summary>
internal readonly ref struct RequestAdditions
{
    /// <summary>Who is calling.</summary>
    public required Client Client { get; init; }

    /// <summary>The node's own authority: its Host when the client gave none.</summary>
    public required ReadOnlySpan<byte> Authority { get; init; }

    /// <summary>Whether the client came over TLS.</summary>
    public bool IsSecure { get; init; }

    /// <summary>The last element of CDN-Loop (RFC 8586); none when it is empty.</summary>
    public ReadOnlySpan<byte> CdnLoopId { get; init; }

    /// <summary>A field that only a trusted peer may send, beside the usual ones; none when it is empty.</summary>
    public ReadOnlySpan<byte> TrustedField { get; init; }

    /// <summary>The balancer's own cookie, which nodes do not get; null when there is none.</summary>
    public StickyCookie? OwnCookie { get; init; }

    /// <summary>Whether the node is told by Forwarded (RFC 7239), too, when no trusted peer did so.</summary>
    public bool WritesForwarded { get; init; }

    /// <summary>The line about the certificate that the client has shown; none when it is empty.</summary>
    public ReadOnlySpan<byte> CertificateLine { get; init; }

    /// <summary>Further fields: whole lines with their ends.</summary>
    public ReadOnlySpan<byte> Lines { get; init; }

    /// <summary>Whether those lines have a traceparent, which takes the place of the client's.</summary>
    public bool ReplacesTrace { get; init; }
}
