using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;
using Kiro.Balancer.Clients;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>
/// Writes the head of a request to a backend from the client's: the target in origin form, end-to-end fields unchanged, framing and
/// forwarding fields generated.
/// </summary>
internal ref struct BackendHeadWriter(ReadOnlySpan<byte> bytes, RequestHead head, Span<byte> output)
{
    private const int MaxAddressLength = 45;

    // For generated fields: names, four addresses with their quoting, a length.
    private const int MaxGeneratedBytes = 768;

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private readonly RequestHead _head = head;
    private readonly Span<byte> _output = output;
    private int _length;

    /// <summary>Upper bound of the length, for sizing the output.</summary>
    public static int MaxLength(RequestHead head, in RequestAdditions additions) =>
        head.Length + 3 * head.FieldCount + 2 * head.Host.Length + additions.Authority.Length + additions.CdnLoopId.Length + additions.CertificateLine.Length
        + additions.Lines.Length + MaxGeneratedBytes;

    /// <summary>Writes the head to the output, which must have room for <see cref="MaxLength"/> bytes.</summary>
    /// <returns>The number of bytes written.</returns>
    public static int Write(ReadOnlySpan<byte> bytes, RequestHead head, in RequestAdditions additions, Span<byte> output)
    {
        var writer = new BackendHeadWriter(bytes, head, output);
        writer.WriteRequestLine(additions.Authority);
        writer.WriteFields(additions);
        writer.WriteForwardedFields(additions);
        writer.Write(additions.CertificateLine);
        writer.WriteCdnLoop(additions.CdnLoopId);
        writer.Write(additions.Lines);
        writer.WriteConnection();
        writer.WriteFraming();
        writer.Write("\r\n"u8);
        return writer._length;
    }

    private readonly ReadOnlySpan<byte> Host => Slice(_head.Host);

    private readonly ReadOnlySpan<byte> Slice((int Start, int Length) range) => _bytes.Slice(range.Start, range.Length);

    private void WriteRequestLine(ReadOnlySpan<byte> authority)
    {
        Write(Slice(_head.MethodName));
        var path = Slice(_head.Path);
        Write(path.IsEmpty && _head.Method == RequestMethod.Options ? " *"u8 : path.IsEmpty || path[0] == '?' ? " /"u8 : " "u8);
        Write(path);
        Write(" HTTP/1.1\r\nHost: "u8);
        Write(_head.Host.Length > 0 ? Host : authority);
        Write("\r\n"u8);
    }

    // Runs of adjacent fields in canonical form are copied in one go.
    private void WriteFields(in RequestAdditions additions)
    {
        var (from, to) = (0, 0);
        foreach (ref readonly var field in _head.Fields)
        {
            var isForwarded = !field.IsConnectionOption && IsForwarded(field.Kind, additions) && !IsUntrusted(field, additions);
            var hasOwnCookie = isForwarded && field.Kind == RequestFieldKind.Cookie && additions.OwnCookie?.IsIn(field.Value(_bytes)) == true;
            if (isForwarded && !hasOwnCookie && field.NameStart == to && IsCanonical(field))
            {
                to = field.LineEnd;
                continue;
            }

            Write(_bytes[from..to]);
            (from, to) = (0, 0);
            if (hasOwnCookie)
            {
                WriteOtherCookies(field, additions.OwnCookie!);
            }
            else if (isForwarded && IsCanonical(field))
            {
                (from, to) = (field.NameStart, field.LineEnd);
            }
            else if (isForwarded)
            {
                Write(field.Name(_bytes));
                Write(": "u8);
                Write(field.Value(_bytes));
                Write("\r\n"u8);
            }
        }

        Write(_bytes[from..to]);
    }

    private void WriteOtherCookies(in RequestField field, StickyCookie own)
    {
        var start = _length;
        Write(field.Name(_bytes));
        Write(": "u8);
        var length = own.Remove(field.Value(_bytes), _output[_length..]);
        _length = length == 0 ? start : _length + length;
        Write(length == 0 ? [] : "\r\n"u8);
    }

    // One space before the value, none after it.
    private readonly bool IsCanonical(in RequestField field) =>
        field.ValueStart == field.NameStart + field.NameLength + 2 && field.ValueStart + field.ValueLength + 2 == field.LineEnd
        && _bytes[field.ValueStart - 1] == ' ';

    private readonly bool IsForwarded(RequestFieldKind kind, in RequestAdditions additions) => kind switch
    {
        RequestFieldKind.EndToEnd or RequestFieldKind.Authorization or RequestFieldKind.WebSocketKey or RequestFieldKind.Cookie => true,
        RequestFieldKind.CdnLoop => additions.CdnLoopId.IsEmpty,
        RequestFieldKind.Expect => !_head.IsHttp10,
        RequestFieldKind.Trailer => _head.IsChunked,
        RequestFieldKind.TraceParent => !additions.ReplacesTrace,
        RequestFieldKind.XForwarded => additions.Client.PeerIsTrusted,
        _ => false,
    };

    // Some backends read underscores as hyphens. A trusted peer uses the configured spelling.
    private readonly bool IsUntrusted(in RequestField field, in RequestAdditions additions) =>
        field.NameLength == additions.TrustedField.Length
        && (Ascii.EqualsIgnoreCase(field.Name(_bytes), additions.TrustedField)
            ? !additions.Client.PeerIsTrusted : RequestFieldNames.IsLookalikeOf(field.Name(_bytes), additions.TrustedField));

    // Values from a trusted proxy are extended; anybody else's are replaced.
    private void WriteForwardedFields(in RequestAdditions additions)
    {
        var (client, hasForwarded) = (additions.Client, false);
        var ownProto = additions.IsSecure ? "https"u8 : "http"u8;
        var proto = ownProto;
        var host = Host;
        Write("X-Forwarded-For: "u8);
        if (client.PeerIsTrusted)
        {
            WriteList(RequestFieldKind.ForwardedFor);
            hasForwarded = _head.HasField(RequestFieldKind.Forwarded);
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
            WriteForwarded(client, ownProto);
        }
    }

    private readonly ReadOnlySpan<byte> FirstOf(RequestFieldKind kind, ReadOnlySpan<byte> other) =>
        _head.FirstValue(_bytes, kind) is { IsEmpty: false } value ? value : other;

    // A trusted peer's list gets one more element (RFC 7239, section 4). One that ends inside a quoted string is dropped.
    private void WriteForwarded(in Client client, ReadOnlySpan<byte> proto)
    {
        Write("Forwarded: "u8);
        var start = _length;
        if (client.PeerIsTrusted)
        {
            WriteList(RequestFieldKind.Forwarded);
            if (_length > start && !ForwardedElement.CanAppendTo(Encoding.Latin1.GetString(_output[start..(_length - 2)])))
            {
                _length = start;
            }
        }

        _length += ForwardedElement.Write(_output[_length..], client.Peer, Host, proto);
        Write("\r\n"u8);
    }

    private void WriteCdnLoop(ReadOnlySpan<byte> id)
    {
        if (!id.IsEmpty)
        {
            Write("CDN-Loop: "u8);
            WriteList(RequestFieldKind.CdnLoop);
            Write(id);
            Write("\r\n"u8);
        }
    }

    // Joins all lines of a field; each value is followed by a comma.
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
            // TE is hop-by-hop and must be listed in Connection (RFC 9110, section 10.1.4).
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
            // Methods that expect content state its absence (RFC 9110, section 8.6).
            Write("Content-Length: "u8);
            Utf8Formatter.TryFormat(_head.ContentLength ?? 0, _output[_length..], out var digits);
            _length += digits;
            Write("\r\n"u8);
        }
    }

    private void Write(ClientAddress address)
    {
        address.TryFormat(_output.Slice(_length, MaxAddressLength), out var length);
        _length += length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Write(ReadOnlySpan<byte> text)
    {
        text.CopyTo(_output[_length..]);
        _length += text.Length;
    }
}

/// <summary>What is added to a request on its way to a backend. Empty spans and null mean none.</summary>
internal readonly ref struct RequestAdditions
{
    public required Client Client { get; init; }

    /// <summary>The backend's own authority: the Host of a request without one.</summary>
    public required ReadOnlySpan<byte> Authority { get; init; }

    /// <summary>Whether the client connected over TLS.</summary>
    public bool IsSecure { get; init; }

    /// <summary>This balancer's element of CDN-Loop (RFC 8586).</summary>
    public ReadOnlySpan<byte> CdnLoopId { get; init; }

    /// <summary>The name of a further field that is accepted from trusted peers only.</summary>
    public ReadOnlySpan<byte> TrustedField { get; init; }

    /// <summary>The balancer's own cookie, which is not forwarded.</summary>
    public StickyCookie? OwnCookie { get; init; }

    /// <summary>Whether Forwarded (RFC 7239) is sent even if no trusted peer sent one.</summary>
    public bool WritesForwarded { get; init; }

    /// <summary>The field line with the client's certificate.</summary>
    public ReadOnlySpan<byte> CertificateLine { get; init; }

    /// <summary>Further field lines, with line endings.</summary>
    public ReadOnlySpan<byte> Lines { get; init; }

    /// <summary>Whether <see cref="Lines"/> contain a traceparent that replaces the client's.</summary>
    public bool ReplacesTrace { get; init; }
}
