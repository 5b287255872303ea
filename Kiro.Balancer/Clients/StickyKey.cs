using System.IO.Hashing;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Clients;

/// <summary>
/// What is hashed of a client in place of its address: the value of a cookie or of a field, condensed to 64 bits (XXH3), so
/// that it travels with a request without being kept. What it was made of cannot be told from it.
/// </summary>
internal readonly record struct StickyKey(ulong Value)
{
    /// <summary>Of the bytes of a value, whatever they are.</summary>
    public static StickyKey Of(ReadOnlySpan<byte> value) => new(XxHash3.HashToUInt64(value));

    /// <summary>The same of a value that was read as Latin-1.</summary>
    public static StickyKey Of(ReadOnlySpan<char> value)
    {
        using var bytes = new Latin1Bytes(value, stackalloc byte[Latin1Bytes.Usual]);
        return Of(bytes.Value);
    }

    /// <summary>Of a field's lines, which mean the same as one line with commas between them (RFC 9110, section 5.3).</summary>
    /// <returns>Null when no line says anything.</returns>
    public static StickyKey? OfField(in StringValues lines)
    {
        if (lines.Count == 1)
        {
            var only = lines[0].AsSpan().Trim(" \t");
            return only.IsEmpty ? null : Of(only);
        }

        var list = string.Join(", ", lines.Select(line => line?.Trim(' ', '\t')).Where(line => !string.IsNullOrEmpty(line)));
        return list.Length == 0 ? null : Of(list.AsSpan());
    }

    /// <summary>Sixteen hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
}
