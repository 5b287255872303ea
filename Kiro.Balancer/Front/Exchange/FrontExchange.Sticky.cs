using System.IO.Hashing;
using System.Text;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Front.Exchange;

/// <content>What tells its client apart, when that is not the address.</content>
internal sealed partial class FrontExchange
{
    private void Recognise(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        var key = _services.Clients.Sticky.Cookie is { } cookie ? KeyOfCookie(bytes, head, cookie) : KeyOfField(bytes, head);
        if (key is { } known)
        {
            _who = _who with { Key = known, IsNew = _cookieLines is not null };
            Slot = _services.Hash.Slot(known);
        }
    }

    // The id of a client that has none is made before its node is chosen: its first response comes from where all others will.
    private StickyKey KeyOfCookie(ReadOnlySpan<byte> bytes, RequestHead head, StickyCookie cookie)
    {
        foreach (ref readonly var field in head.Fields)
        {
            if (field.Kind == RequestFieldKind.Cookie && cookie.TryFind(field.Value(bytes), out var key))
            {
                return key;
            }
        }

        var id = StickyCookie.NewId();
        var isSecure = Client.IsSecure || (_who.PeerIsTrusted && Ascii.EqualsIgnoreCase(head.FirstValue(bytes, RequestFieldKind.ForwardedProto), "https"u8));
        // A cache that serves others must not give them this client's id.
        _cookieLines = Encoding.ASCII.GetBytes($"Set-Cookie: {cookie.Set(id, isSecure)}\r\nCache-Control: private\r\n");
        return StickyKey.Of(id);
    }

    // Several lines of a field mean the same as one with commas between them (RFC 9110, section 5.3).
    private StickyKey? KeyOfField(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        StickyKey? key = null;
        XxHash3? list = null;
        ReadOnlySpan<byte> first = default;
        foreach (ref readonly var field in head.Fields)
        {
            if (field.ValueLength == 0 || !IsClaim(field, bytes, _worker.StickyField))
            {
                continue;
            }

            var value = field.Value(bytes);
            if (key is null)
            {
                key = StickyKey.Of(value);
                first = value;
                continue;
            }

            if (list is null)
            {
                list = new XxHash3();
                list.Append(first);
            }

            list.Append(", "u8);
            list.Append(value);
        }

        return list is null ? key : new StickyKey(list.GetCurrentHashAsUInt64());
    }
}
