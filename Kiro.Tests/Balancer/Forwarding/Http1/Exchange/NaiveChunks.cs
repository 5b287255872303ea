using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Exchange;

/// <summary>A naive chunk decoder, written from the RFC as a reference for the real one.</summary>
internal static partial class NaiveChunks
{
    /// <returns>The data, and the position after the body; null when it is invalid or incomplete.</returns>
    public static (byte[] Data, int End)? Read(byte[] bytes)
    {
        var text = Encoding.Latin1.GetString(bytes);
        var (data, place) = (new List<byte>(), 0);
        while (Size().Match(text, place) is { Success: true } size)
        {
            var length = long.Parse(size.Groups[1].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            place += size.Length;
            if (length == 0)
            {
                var trailers = Trailers().Match(text, place);
                return trailers.Success ? ([.. data], place + trailers.Length) : null;
            }

            if (place + length + 2 > bytes.Length || text.Substring(place + (int)length, 2) != "\r\n")
            {
                return null;
            }

            data.AddRange(bytes.AsSpan(place, (int)length));
            place += (int)length + 2;
        }

        return null;
    }

    [GeneratedRegex(@"\G([0-9A-Fa-f]{1,15})[ \t]*(;[^\0-\x08\x0a-\x1f\x7f]*)?\r\n")]
    private static partial Regex Size();

    [GeneratedRegex(@"\G([!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\0-\x08\x0a-\x1f\x7f]*\r\n)*\r\n")]
    private static partial Regex Trailers();
}
