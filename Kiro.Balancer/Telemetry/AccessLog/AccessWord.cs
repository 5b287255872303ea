using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Telemetry.AccessLog;

/// <summary>Makes what a client or a node sent one word of printable ASCII: nobody writes a line, or a field, of their own.</summary>
internal static class AccessWord
{
    public const string None = "-";
    private const int MaxLength = 512;

    /// <summary>The path as the client wrote it, without the query, which may hold secrets.</summary>
    public static string Path(HttpRequest request)
    {
        var target = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        // An absolute target (GET http://user:password@host/path) has more than a path.
        var path = target.StartsWith('/') ? target : request.Path.ToUriComponent();
        var end = path.AsSpan().IndexOfAny('?', '#');
        return Of(end < 0 ? path : path[..end]);
    }

    /// <summary>Everything but printable ASCII percent-encoded, a double quote and a backslash too; at most 512 characters.</summary>
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
