using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>What the client's head says beside what the node's said.</summary>
internal readonly ref struct ClientHeadAdditions
{
    /// <summary>Whether the body goes out in chunks.</summary>
    public bool IsChunked { get; init; }

    /// <summary>Whether trailers may be announced: they can follow, or no body does, as with HEAD.</summary>
    public bool NamesTrailers { get; init; }

    /// <summary>The value of Connection; empty for none.</summary>
    public ReadOnlySpan<byte> Connection { get; init; }

    /// <summary>A whole Date line, for a response that has none.</summary>
    public ReadOnlySpan<byte> Date { get; init; }

    /// <summary>The balancer's own cookie, which a node must not set; null when there is none.</summary>
    public StickyCookie? OwnCookie { get; init; }

    /// <summary>Further fields: whole lines with their ends.</summary>
    public ReadOnlySpan<byte> Lines { get; init; }
}

/// <summary>Writes the head of a response for the client from the node's: the fields in their order, but for those that concern
/// the node's connection.</summary>
internal static class ClientHeadWriter
{
    /// <summary>What a head grows by at most, in bytes.</summary>
    public const int MaxGrowth = 512;

    /// <param name="bytes">Those that <paramref name="head"/> was read from.</param>
    /// <param name="head">What was found in them.</param>
    /// <param name="additions">What the balancer says itself.</param>
    /// <param name="output">Gets the head.</param>
    /// <returns>Its length.</returns>
    public static int Write(ReadOnlySpan<byte> bytes, ResponseHead head, in ClientHeadAdditions additions, Span<byte> output)
    {
        var length = Put(output, 0, "HTTP/1.1 "u8);
        Utf8Formatter.TryFormat(head.Status, output[length..], out var digits);
        length = Put(output, length + digits, " "u8);
        length = Put(output, length, bytes.Slice(head.Reason.Start, head.Reason.Length));
        length = Put(output, length, "\r\n"u8);
        var (hasDate, hasUpgrade) = (false, false);
        foreach (ref readonly var field in CollectionsMarshal.AsSpan(head.Fields))
        {
            var name = bytes.Slice(field.NameStart, field.NameLength);
            if ((ReferenceEquals(field.Known, FieldNames.SetCookie) && additions.OwnCookie?.IsSetBy(bytes.Slice(field.ValueStart, field.ValueLength)) == true)
                || !IsPassedOn(field, head, additions.NamesTrailers) || (head.HasConnectionOptions && IsNamed(bytes, head, field.Known, name)))
            {
                continue;
            }

            hasDate |= name.Length == 4 && Ascii.EqualsIgnoreCase(name, "Date"u8);
            hasUpgrade |= ReferenceEquals(field.Known, FieldNames.Upgrade);
            length = Put(output, length, name);
            length = Put(output, length, ": "u8);
            length = Put(output, length, bytes.Slice(field.ValueStart, field.ValueLength));
            length = Put(output, length, "\r\n"u8);
        }

        // A client would wait for the end of the connection otherwise (RFC 9110, section 15.3.6).
        if ((head.Status == StatusCodes.Status205ResetContent ? 0 : head.ContentLength) is { } contentLength)
        {
            length = Put(output, length, "Content-Length: "u8);
            Utf8Formatter.TryFormat(contentLength, output[length..], out digits);
            length = Put(output, length + digits, "\r\n"u8);
        }

        length = additions.IsChunked ? Put(output, length, "Transfer-Encoding: chunked\r\n"u8) : length;
        length = Put(output, length, additions.Lines);
        length = hasDate ? length : Put(output, length, additions.Date);
        if (hasUpgrade || !additions.Connection.IsEmpty)
        {
            length = Put(output, length, "Connection: "u8);
            length = Put(output, length, additions.Connection);
            // Whoever names other protocols says so here (RFC 9110, section 7.8).
            length = Put(output, length, !hasUpgrade ? "\r\n"u8 : additions.Connection.IsEmpty ? "Upgrade\r\n"u8 : ", Upgrade\r\n"u8);
        }

        return Put(output, length, "\r\n"u8);
    }

    private static bool IsPassedOn(in ResponseField field, ResponseHead head, bool namesTrailers) =>
        field.Known?.Kind == FieldKind.Trailer ? namesTrailers
        : head.IsForwarded(field) || (head.Status == StatusCodes.Status101SwitchingProtocols && ReferenceEquals(field.Known, FieldNames.Upgrade));

    private static bool IsNamed(ReadOnlySpan<byte> bytes, ResponseHead head, FieldName? known, ReadOnlySpan<byte> name)
    {
        if (known is not null && ConnectionOptions.IsOwn(known.Text))
        {
            return false;
        }

        foreach (ref readonly var field in CollectionsMarshal.AsSpan(head.Fields))
        {
            if (field.Known?.Kind != FieldKind.Connection)
            {
                continue;
            }

            var value = bytes.Slice(field.ValueStart, field.ValueLength);
            foreach (var option in value.Split((byte)','))
            {
                if (Ascii.EqualsIgnoreCase(value[option].Trim(" \t"u8), name))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static int Put(Span<byte> output, int place, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(output[place..]);
        return place + bytes.Length;
    }
}
