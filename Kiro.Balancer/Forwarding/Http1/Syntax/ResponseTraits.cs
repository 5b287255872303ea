using System.Text;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>What well-known fields of a response say about its connection and its body, apart from the framing.</summary>
internal static class ResponseTraits
{
    public static void Note(FieldName name, ReadOnlySpan<byte> value, ResponseHead head)
    {
        if (ReferenceEquals(name, FieldNames.ContentType))
        {
            head.IsEventStream = IsEventStream(value);
        }
        else if (ReferenceEquals(name, FieldNames.KeepAlive))
        {
            ReadKeepAlive(value, head);
        }
        else if (ReferenceEquals(name, FieldNames.WwwAuthenticate) || ReferenceEquals(name, FieldNames.ProxyAuthenticate))
        {
            head.BindsConnection |= BindsConnection(value);
        }
    }

    /// <summary>Whether a value of Content-Type means server-sent events: the type counts, in any case, and no parameter.</summary>
    public static bool IsEventStream(ReadOnlySpan<byte> contentType) =>
        Ascii.EqualsIgnoreCase(contentType[..(contentType.IndexOf((byte)';') is >= 0 and var end ? end : contentType.Length)].TrimEnd(" \t"u8), "text/event-stream"u8);

    /// <summary>Whether a value of WWW-Authenticate, Authorization or their kin for proxies has a scheme that logs a
    /// connection in, not a request.</summary>
    public static bool BindsConnection(ReadOnlySpan<byte> value)
    {
        foreach (var range in value.Split((byte)','))
        {
            var challenge = value[range].Trim(" \t"u8);
            var scheme = challenge[..HttpSyntax.TokenLength(challenge)];
            if (Ascii.EqualsIgnoreCase(scheme, "NTLM"u8) || Ascii.EqualsIgnoreCase(scheme, "Negotiate"u8))
            {
                return true;
            }
        }

        return false;
    }

    private static void ReadKeepAlive(ReadOnlySpan<byte> value, ResponseHead head)
    {
        foreach (var range in value.Split((byte)','))
        {
            var parameter = value[range].Trim(" \t"u8);
            var equals = parameter.IndexOf((byte)'=');
            if (equals < 0 || !TryParse(parameter[(equals + 1)..].Trim(" \t"u8), out var number))
            {
                continue;
            }

            var name = parameter[..equals].TrimEnd(" \t"u8);
            if (Ascii.EqualsIgnoreCase(name, "timeout"u8))
            {
                head.KeepAliveTimeout = number;
            }
            else if (Ascii.EqualsIgnoreCase(name, "max"u8))
            {
                head.KeepAliveMax = number;
            }
        }
    }

    private static bool TryParse(ReadOnlySpan<byte> text, out int number) =>
        System.Buffers.Text.Utf8Parser.TryParse(text, out number, out var length) && length == text.Length && number >= 0;
}
