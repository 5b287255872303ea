using System.Diagnostics;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>
/// Writes the head of a request for a node, from what Kestrel understood of the client's: never the client's own bytes.
/// The framing is the balancer's own: one length, or chunks, or neither.
/// </summary>
internal static class RequestHeadWriter
{
    /// <summary>Whether the client waits for "100 Continue".</summary>
    public static bool ExpectsToContinue(HttpRequest request) =>
        // An HTTP/1.0 client does not (RFC 9110, section 10.1.1).
        request.Headers.Expect.Count > 0 && HttpProtocol.IsHttp11(request.Protocol) && request.Headers.Expect.ToString().Equals("100-continue", StringComparison.OrdinalIgnoreCase);

    /// <summary>Writes the head.</summary>
    /// <returns>False when a field cannot be passed on.</returns>
    /// <param name="head">Gets it.</param>
    /// <param name="request">The client's.</param>
    /// <param name="backend">The node.</param>
    /// <param name="span">What the node is to go on with in a trace; null leaves the client's as it is.</param>
    public static bool TryWrite(SendBuffer head, ForwardedRequest request, Backend backend, Activity? span)
    {
        var http = request.Context.Request;
        if (!HttpSyntax.IsToken(http.Method))
        {
            return false;
        }

        head.Write(http.Method);
        head.Write(" "u8);
        head.Write(OriginForm.Of(request.Context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, http.Method));
        head.Write(" HTTP/1.1\r\nHost: "u8);
        head.Write(http.Host.Value is { Length: > 0 } host ? host : backend.Authority);
        head.Write("\r\n"u8);
        if (!TryWriteFields(head, http, request, span))
        {
            return false;
        }

        if (AcceptsTrailers(http))
        {
            // TE goes with an option of that name (RFC 9110, section 10.1.4).
            head.Write("Connection: TE\r\nTE: trailers\r\n"u8);
        }

        if (span is { Id: { } id })
        {
            head.Write("traceparent: "u8);
            head.Write(id);
            head.Write("\r\n"u8);
            if (span.TraceStateString is { Length: > 0 } state && HttpSyntax.IsText(state))
            {
                head.Write("tracestate: "u8);
                head.Write(state);
                head.Write("\r\n"u8);
            }
        }

        ForwardedFields.Write(head, http, request.Client, request.Rules);
        WriteFraming(head, request);
        head.Write("\r\n"u8);
        return true;
    }

    /// <summary>Whether the client takes trailers.</summary>
    public static bool AcceptsTrailers(HttpRequest request)
    {
        foreach (var line in request.Headers.TE)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                if (line.AsSpan()[range].Trim(" \t").Equals("trailers", StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static bool TryWriteFields(SendBuffer head, HttpRequest request, ForwardedRequest forwarded, Activity? span)
    {
        // HTTP/1.0 has no "100 Continue", and of HTTP/2 none is passed on.
        var neverWaits = !HttpProtocol.IsHttp11(request.Protocol);
        var named = NamedFields(request.Headers.Connection);
        foreach (var (name, values) in request.Headers)
        {
            if ((FieldNames.Find(name)?.Kind ?? FieldKind.EndToEnd) != FieldKind.EndToEnd
                || ForwardedClaims.IsWritten(name)
                || forwarded.Rules.IsDropped(name, forwarded.Client.PeerIsTrusted)
                || named?.Contains(name) == true
                || (neverWaits && name.Equals("Expect", StringComparison.OrdinalIgnoreCase))
                || (span is not null && name.Length is 10 or 11 && name.StartsWith("trace", StringComparison.OrdinalIgnoreCase)
                    && name.AsSpan(5).Equals(name.Length == 11 ? "parent" : "state", StringComparison.OrdinalIgnoreCase)))
            {
                continue;
            }

            head.Write(name);
            head.Write(": "u8);
            if (!TryWriteValues(head, values, Separator(name)))
            {
                return false;
            }

            head.Write("\r\n"u8);
        }

        return true;
    }

    // One line for all of a field's lines means the same (RFC 9110, section 5.3).
    private static bool TryWriteValues(SendBuffer head, in StringValues values, string separator)
    {
        for (var place = 0; place < values.Count; place++)
        {
            var value = values[place] ?? "";
            if (!HttpSyntax.IsText(value))
            {
                return false;
            }

            if (place > 0)
            {
                head.Write(separator);
            }

            head.Write(value);
        }

        return true;
    }

    private static string Separator(string name) =>
        name.Equals("Cookie", StringComparison.OrdinalIgnoreCase) ? "; "
        : name.Equals("User-Agent", StringComparison.OrdinalIgnoreCase) ? " " : ", ";

    private static HashSet<string>? NamedFields(in StringValues connection) =>
        connection.Count == 0 || (connection.Count == 1 && connection[0] is "keep-alive" or "close" or "close, keep-alive")
            ? null
            : new HashSet<string>(ConnectionOptions.FieldsNamedIn(connection), StringComparer.OrdinalIgnoreCase);

    private static void WriteFraming(SendBuffer head, ForwardedRequest request)
    {
        var http = request.Context.Request;
        long? length = request.Body switch
        {
            RequestBody.Buffered => request.Buffered!.Length,
            RequestBody.Streamed => http.ContentLength,
            _ => http.ContentLength ?? (HasUsuallyNoBody(http.Method) ? -1 : 0),
        };
        if (length is null)
        {
            head.Write("Transfer-Encoding: chunked\r\n"u8);
        }
        else if (length >= 0)
        {
            head.Write("Content-Length: "u8);
            head.Write(length.Value);
            head.Write("\r\n"u8);
        }
    }

    private static bool HasUsuallyNoBody(string method) =>
        method == HttpMethods.Get || method == HttpMethods.Head || method == HttpMethods.Options || method == HttpMethods.Delete
        || method == HttpMethods.Trace;
}
