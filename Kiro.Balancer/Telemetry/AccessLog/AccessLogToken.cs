using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Telemetry.AccessLog;

/// <summary>Encodes text from clients and backends as one token of printable ASCII, so that it cannot forge log lines or fields.</summary>
internal static class AccessLogToken
{
    public const string None = "-";
    private const int MaxLength = 512;

    /// <summary>The path as the client sent it, without the query, which may contain secrets.</summary>
    public static string Path(HttpRequest request)
    {
        var target = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        // An absolute-form target (GET http://user:password@host/path) contains more than a path.
        var path = target.StartsWith('/') ? target : request.Path.ToUriComponent();
        var end = path.AsSpan().IndexOfAny('?', '#');
        return Of(end < 0 ? path : path[..end]);
    }

    /// <summary>Percent-encodes everything but printable ASCII, double quotes and backslashes included, and truncates to 512 characters.</summary>
    public static string Of(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return None;
        }

        var isLong = text.Length > MaxLength;
        return !isLong && text.All(IsPlain) ? text : Encode(isLong ? text[..MaxLength] : text) + (isLong ? "..." : "");
    }

    private static string Encode(string text)
    {
        var encoded = new StringBuilder(text.Length + 16);
        foreach (var octet in Encoding.UTF8.GetBytes(text))
        {
            if (IsPlain((char)octet))
            {
                encoded.Append((char)octet);
            }
            else
            {
                encoded.Append(CultureInfo.InvariantCulture, $"%{octet:X2}");
            }
        }

        return encoded.ToString();
    }

    private static bool IsPlain(char character) => character is > ' ' and <= '~' and not '"' and not '\\';
}
