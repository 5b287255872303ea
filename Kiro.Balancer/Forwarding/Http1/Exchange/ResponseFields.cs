using System.Runtime.InteropServices;
using System.Text;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>Copies status and header fields of a backend's response to the client's.</summary>
internal static class ResponseFields
{
    /// <param name="bytes">The head as received.</param>
    /// <param name="head">The parsed head.</param>
    /// <param name="response">The response to the client.</param>
    public static void Apply(ReadOnlySpan<byte> bytes, ResponseHead head, HttpResponse response)
    {
        response.StatusCode = head.Status;
        ApplyReason(bytes.Slice(head.Reason.Start, head.Reason.Length), head.Status, response);
        var headers = response.Headers;
        var connectionFields = head.HasConnectionOptions ? NamedFields(bytes, head) : null;
        foreach (var field in CollectionsMarshal.AsSpan(head.Fields))
        {
            if (!head.IsForwarded(field))
            {
                continue;
            }

            var name = field.Known?.Text ?? Encoding.ASCII.GetString(bytes.Slice(field.NameStart, field.NameLength));
            if (connectionFields?.Contains(name) != true)
            {
                var value = Encoding.Latin1.GetString(bytes.Slice(field.ValueStart, field.ValueLength));
                headers[name] = headers.TryGetValue(name, out var before) ? StringValues.Concat(before, value) : value;
            }
        }

        headers.ContentLength = head.ContentLength;
        if (headers.Upgrade.Count > 0)
        {
            headers.Connection = ConnectionField(response);
        }
    }

    /// <summary>
    /// The Connection field of a response with Upgrade, which has to be listed there (RFC 9110, section 7.8). Kestrel closes
    /// the connection unless the field says keep-alive.
    /// </summary>
    public static string ConnectionField(HttpResponse response)
    {
        var request = response.HttpContext.Request;
        var (isHttp11, closes, keeps) = (HttpProtocol.IsHttp11(request.Protocol), false, false);
        foreach (var line in request.Headers.Connection)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                var option = line.AsSpan()[range].Trim(" \t");
                closes |= option.Equals("close", StringComparison.OrdinalIgnoreCase);
                keeps |= option.Equals("keep-alive", StringComparison.OrdinalIgnoreCase);
            }
        }

        return !closes && (isHttp11 || (keeps && response.ContentLength is not null)) ? "keep-alive, Upgrade" : "close, Upgrade";
    }

    /// <summary>Formats an interim response for the client.</summary>
    public static byte[] FormatInterim(ReadOnlySpan<byte> bytes, ResponseHead head)
    {
        var connectionFields = head.HasConnectionOptions ? NamedFields(bytes, head) : null;
        var text = new StringBuilder($"HTTP/1.1 {head.Status} {Encoding.Latin1.GetString(bytes.Slice(head.Reason.Start, head.Reason.Length))}\r\n");
        foreach (var field in CollectionsMarshal.AsSpan(head.Fields))
        {
            var name = Encoding.ASCII.GetString(bytes.Slice(field.NameStart, field.NameLength));
            if (head.IsForwarded(field) && connectionFields?.Contains(name) != true)
            {
                text.Append($"{name}: {Encoding.Latin1.GetString(bytes.Slice(field.ValueStart, field.ValueLength))}\r\n");
            }
        }

        return Encoding.Latin1.GetBytes(text.Append("\r\n").ToString());
    }

    private static void ApplyReason(ReadOnlySpan<byte> reason, int status, HttpResponse response)
    {
        if (!Ascii.Equals(reason, ReasonPhrases.GetReasonPhrase(status)))
        {
            response.HttpContext.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = Encoding.Latin1.GetString(reason);
        }
    }

    private static HashSet<string> NamedFields(ReadOnlySpan<byte> bytes, ResponseHead head)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var field in CollectionsMarshal.AsSpan(head.Fields))
        {
            if (field.Known?.Kind == FieldKind.Connection)
            {
                names.UnionWith(ConnectionOptions.FieldsNamedIn(Encoding.Latin1.GetString(bytes.Slice(field.ValueStart, field.ValueLength))));
            }
        }

        return names;
    }
}
