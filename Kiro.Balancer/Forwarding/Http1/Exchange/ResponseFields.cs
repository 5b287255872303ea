using System.Runtime.InteropServices;
using System.Text;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>Gives the client's response the status and the fields of the node's.</summary>
internal static class ResponseFields
{
    /// <param name="bytes">The bytes that <paramref name="head"/> was read from.</param>
    /// <param name="head">What was found in them.</param>
    /// <param name="response">The response to the client.</param>
    public static void Apply(ReadOnlySpan<byte> bytes, ResponseHead head, HttpResponse response)
    {
        response.StatusCode = head.Status;
        ApplyReason(bytes.Slice(head.Reason.Start, head.Reason.Length), head.Status, response);
        var headers = response.Headers;
        var named = head.NamesFields ? NamedFields(bytes, head) : null;
        foreach (var field in CollectionsMarshal.AsSpan(head.Fields))
        {
            if (!head.PassesOn(field))
            {
                continue;
            }

            var name = field.Known?.Text ?? Encoding.ASCII.GetString(bytes.Slice(field.NameStart, field.NameLength));
            if (named?.Contains(name) != true)
            {
                var value = Encoding.Latin1.GetString(bytes.Slice(field.ValueStart, field.ValueLength));
                headers[name] = headers.TryGetValue(name, out var before) ? StringValues.Concat(before, value) : value;
            }
        }

        headers.ContentLength = head.ContentLength;
        if (headers.Upgrade.Count > 0)
        {
            headers.Connection = ConnectionOf(response);
        }
    }

    /// <summary>Connection of a response that names other protocols: it says so (RFC 9110, section 7.8), and Kestrel closes what is
    /// not said to be kept alive.</summary>
    public static string ConnectionOf(HttpResponse response)
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

    /// <summary>An interim response as the client gets it.</summary>
    public static byte[] Interim(ReadOnlySpan<byte> bytes, ResponseHead head)
    {
        var named = head.NamesFields ? NamedFields(bytes, head) : null;
        var text = new StringBuilder($"HTTP/1.1 {head.Status} {Encoding.Latin1.GetString(bytes.Slice(head.Reason.Start, head.Reason.Length))}\r\n");
        foreach (var field in CollectionsMarshal.AsSpan(head.Fields))
        {
            var name = Encoding.ASCII.GetString(bytes.Slice(field.NameStart, field.NameLength));
            if (head.PassesOn(field) && named?.Contains(name) != true)
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
