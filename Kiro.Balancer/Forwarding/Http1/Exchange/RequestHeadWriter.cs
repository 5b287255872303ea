using System.Diagnostics;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>
/// Writes the request head for a backend from what Kestrel parsed, never from the client's bytes. The framing is the
/// balancer's own: a length, chunks or none.
/// </summary>
internal static class RequestHeadWriter
{
    /// <summary>Whether the client waits for 100 Continue.</summary>
    public static bool ExpectsContinue(HttpRequest request) =>
        // HTTP/1.0 does not have it (RFC 9110, section 10.1.1).
        request.Headers.Expect.Count > 0 && HttpProtocol.IsHttp11(request.Protocol)
        && request.Headers.Expect.ToString().Equals("100-continue", StringComparison.OrdinalIgnoreCase);

    /// <summary>Writes the head.</summary>
    /// <returns>False when a header field cannot be forwarded.</returns>
    /// <param name="head">The buffer.</param>
    /// <param name="request">The client's request.</param>
    /// <param name="backend">The backend.</param>
    /// <param name="span">The parent span for the backend; null forwards the client's trace context.</param>
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
            // TE must be listed in Connection (RFC 9110, section 10.1.4).
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

    /// <summary>Whether the client accepts trailers.</summary>
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
        // HTTP/1.0 has no 100 Continue, and for HTTP/2 it is not forwarded.
        var neverWaits = !HttpProtocol.IsHttp11(request.Protocol);
        var connectionFields = NamedFields(request.Headers.Connection);
        foreach (var (name, values) in request.Headers)
        {
            if ((FieldNames.Find(name)?.Kind ?? FieldKind.EndToEnd) != FieldKind.EndToEnd
                || ForwardedClaims.IsWritten(name)
                || forwarded.Rules.IsDropped(name, forwarded.Client.PeerIsTrusted)
                || connectionFields?.Contains(name) == true
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

    // Several field lines are equivalent to one with a comma-separated list (RFC 9110, section 5.3).
    private static bool TryWriteValues(SendBuffer head, in StringValues values, string separator)
    {
        for (var index = 0; index < values.Count; index++)
        {
            var value = values[index] ?? "";
            if (!HttpSyntax.IsText(value))
            {
                return false;
            }

            if (index > 0)
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
            _ => http.ContentLength ?? (UsuallyHasNoBody(http.Method) ? -1 : 0),
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

    private static bool UsuallyHasNoBody(string method) =>
        method == HttpMethods.Get || method == HttpMethods.Head || method == HttpMethods.Options || method == HttpMethods.Delete
        || method == HttpMethods.Trace;
}
