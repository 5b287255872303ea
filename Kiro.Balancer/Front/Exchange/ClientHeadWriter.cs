using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Microsoft.AspNetCore.WebUtilities;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>What the balancer adds to the response head.</summary>
internal readonly ref struct ClientHeadAdditions
{
    /// <summary>Whether the body is chunked.</summary>
    public bool IsChunked { get; init; }

    /// <summary>Whether Trailer is forwarded: when trailers can follow, or there is no body, as for HEAD.</summary>
    public bool NamesTrailers { get; init; }

    /// <summary>The value of Connection; empty for none.</summary>
    public ReadOnlySpan<byte> Connection { get; init; }

    /// <summary>The Date line, for a response without one.</summary>
    public ReadOnlySpan<byte> Date { get; init; }

    /// <summary>The balancer's own cookie, which a backend must not set; null for none.</summary>
    public StickyCookie? OwnCookie { get; init; }

    /// <summary>Additional header field lines, each with CRLF.</summary>
    public ReadOnlySpan<byte> Lines { get; init; }
}

/// <summary>
/// Writes response heads for the client: the backend's header fields in their order, without the hop-by-hop ones.
/// </summary>
internal static class ClientHeadWriter
{
    /// <summary>The most that a head can grow, in bytes.</summary>
    public const int MaxGrowth = 512;

    /// <param name="bytes">The head as received.</param>
    /// <param name="head">The parsed head.</param>
    /// <param name="additions">What to add.</param>
    /// <param name="output">The buffer for the new head.</param>
    /// <returns>The length written.</returns>
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
            if ((ReferenceEquals(field.Known, FieldNames.SetCookie)
                    && additions.OwnCookie?.IsSetBy(bytes.Slice(field.ValueStart, field.ValueLength)) == true)
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

        // Without it the client would wait for the close (RFC 9110, section 15.3.6).
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
            // Upgrade has to be listed in Connection (RFC 9110, section 7.8).
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

    private static int Put(Span<byte> output, int index, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(output[index..]);
        return index + bytes.Length;
    }
}

/// <summary>Writes error responses, like <see cref="ErrorResponse"/> on Kestrel's path.</summary>
internal static class ErrorResponseWriter
{
    /// <param name="status">The status code.</param>
    /// <param name="problem">The reason, for people.</param>
    /// <param name="page">The HTML page; null to send problem details.</param>
    /// <param name="isHead">Whether the request is a HEAD.</param>
    /// <param name="connection">The value of Connection; empty for none.</param>
    /// <param name="date">The Date line.</param>
    /// <param name="retryAfter">Seconds for Retry-After; by default 1 for 502 to 504, and none otherwise.</param>
    public static byte[] Write(int status, string problem, ErrorPage? page, bool isHead, string connection, ReadOnlySpan<byte> date, int? retryAfter)
    {
        var body = page?.Body(status, problem) ?? ProblemResponse.Body(status, problem);
        var head = new StringBuilder()
            .Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} {ReasonPhrases.GetReasonPhrase(status)}\r\n")
            .Append(Encoding.ASCII.GetString(date))
            .Append("Cache-Control: no-store\r\n");
        if ((retryAfter ?? (status is >= StatusCodes.Status502BadGateway and <= StatusCodes.Status504GatewayTimeout ? 1 : null)) is { } seconds)
        {
            head.Append(CultureInfo.InvariantCulture, $"Retry-After: {seconds}\r\n");
        }

        if (connection.Length > 0)
        {
            head.Append(CultureInfo.InvariantCulture, $"Connection: {connection}\r\n");
        }

        var contentType = page is null ? ProblemResponse.ContentType : ErrorPage.ContentType;
        head.Append(CultureInfo.InvariantCulture, $"Content-Type: {contentType}\r\nContent-Length: {body.Length}\r\n\r\n");
        var bytes = Encoding.ASCII.GetBytes(head.ToString());
        return isHead ? bytes : [.. bytes, .. body];
    }
}
