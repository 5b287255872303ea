using System.Globalization;
using System.Text;

namespace Kiro.ServiceDefaults.Printing;

/// <summary>Makes untrusted text safe for terminals and pages.</summary>
public static class PrintableText
{
    /// <summary>
    /// Replaces control characters and line or paragraph separators by spaces; removes format characters (which can change the
    /// text direction), unpaired surrogates and unassigned code points.
    /// </summary>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var rest = text.AsSpan();
        while (Rune.DecodeFromUtf16(rest, out var rune, out var length) == System.Buffers.OperationStatus.Done && Printed(rune) is { } same && same == rune)
        {
            rest = rest[length..];
        }

        // The common case.
        return rest.IsEmpty ? text : string.Concat(text.AsSpan(0, text.Length - rest.Length), Cleaned(rest));
    }

    private static string Cleaned(ReadOnlySpan<char> text)
    {
        var clean = new StringBuilder(text.Length);
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out var rune, out var length) == System.Buffers.OperationStatus.Done && Printed(rune) is { } shown)
            {
                clean.Append(shown.ToString());
            }

            text = text[length..];
        }

        return clean.ToString();
    }

    private static Rune? Printed(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => new Rune(' '),
        UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned => null,
        _ => rune,
    };
}
