using System.Runtime.InteropServices;
using System.Text;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>Gives the client's answer the status and the fields of the node's.</summary>
internal static class ResponseFields
{
    private const string EventStream = "text/event-stream";

    /// <param name="bytes">The bytes that <paramref name="head"/> was read from.</param>
    /// <param name="head">What was found in them.</param>
    /// <param name="response">The answer to the client.</param>
    public static void Apply(ReadOnlySpan<byte> bytes, ResponseHead head, HttpResponse response)
    {
        response.StatusCode = head.Status;
        ApplyReason(bytes.Slice(head.Reason.Start, head.Reason.Length), head.Status, response);
        var headers = response.Headers;
        var named = head.NamesFields ? NamedFields(bytes, head) : null;
        foreach (var field in CollectionsMarshal.AsSpan(head.Fields))
        {
            if (field.Known is { Kind: not (FieldKind.EndToEnd or FieldKind.Trailer or FieldKind.Host) })
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
    }

    /// <summary>Whether the answer is a stream of server-sent events.</summary>
    public static bool IsEventStream(HttpResponse response) =>
        response.ContentType is { } type && type.StartsWith(EventStream, StringComparison.OrdinalIgnoreCase)
        && (type.Length == EventStream.Length || type[EventStream.Length] is ';' or ' ');

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
