using System.IO.Hashing;
using System.Text;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Front.Exchange;

/// <content>Reading the request: the client behind it, and the request for the backend.</content>
internal sealed partial class FrontExchange
{
    private void Resolve(ClientConnection client, ReadOnlySpan<byte> bytes, RequestHead head)
    {
        var (mayComeBack, claims) = (false, 0);
        foreach (ref readonly var field in head.Fields)
        {
            claims += IsClaim(field, bytes, _worker.ClientField) ? 1 : 0;
            mayComeBack |= field.Kind == RequestFieldKind.CdnLoop && _services.Rules.Mark.IsIn(field.Value(bytes));
        }

        if (mayComeBack)
        {
            _isLoop = true;
            _services.Loops.Note();
        }

        (_who, Slot) = (client.Self, client.SelfSlot);
        if (client.Self.PeerIsTrusted)
        {
            Walk(bytes, head, claims);
        }

        _cookieLines = null;
        if (!_services.Clients.Sticky.IsByAddress)
        {
            Recognise(bytes, head);
        }

        _services.Census.Note(_who, claims > 0);
    }

    // The last line first, as long as each was added by a trusted proxy.
    private void Walk(ReadOnlySpan<byte> bytes, RequestHead head, int claims)
    {
        var name = _worker.ClientField;
        var form = _services.Clients.Header.Form;
        if (form == ClientHeaderForm.Either)
        {
            form = claims > 0 ? ClientHeaderForm.XForwardedFor : ClientHeaderForm.Forwarded;
            name = claims > 0 ? name : "Forwarded"u8;
        }

        for (var place = head.FieldCount - 1; place >= 0; place--)
        {
            ref readonly var field = ref head.Fields[place];
            if (IsClaim(field, bytes, name) && !_services.Clients.Read(field.Value(bytes), form, claims, ref _who))
            {
                break;
            }
        }

        if (_who.Address != Client.Self.Address)
        {
            Slot = _services.Hash.Slot(_who.Address);
        }
    }

    private static bool IsClaim(in RequestField field, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> name) =>
        field.NameLength == name.Length && Ascii.EqualsIgnoreCase(field.Name(bytes), name);

    private void Recognise(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        var key = _services.Clients.Sticky.Cookie is { } cookie ? KeyOfCookie(bytes, head, cookie) : KeyOfField(bytes, head);
        if (key is { } known)
        {
            _who = _who with { Key = known, IsNew = _cookieLines is not null };
            Slot = _services.Hash.Slot(known);
        }
    }

    // A new client gets its id before its backend is chosen, so that its first response comes from the same one as all others.
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
        // A shared cache must not give this id to other clients.
        _cookieLines = Encoding.ASCII.GetBytes($"Set-Cookie: {cookie.Set(id, isSecure)}\r\nCache-Control: private\r\n");
        return StickyKey.Of(id);
    }

    // Several field lines are equivalent to one with a comma-separated list (RFC 9110, section 5.3).
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

    private void WriteAndChoose(Span<byte> bytes, RequestHead head)
    {
        _spans.Begin(bytes, head, Client.IsSecure);
        var rules = _services.Rules;
        var additions = new RequestAdditions
        {
            Client = _who,
            // Without a Host, each backend's own is inserted later.
            Authority = [],
            CdnLoopId = rules.Mark.Bytes,
            OwnCookie = rules.Cookie,
            TrustedField = rules.ClientHeader.Form == ClientHeaderForm.OneAddress ? _worker.ClientField : [],
            WritesForwarded = rules.WritesForwarded,
            IsSecure = Client.IsSecure,
            CertificateLine = Client.CertificateLine,
            Lines = _spans.Line,
            ReplacesTrace = _spans.IsOn,
        };
        var available = bytes.Length - head.Length;
        _outgoing.Begin(BackendHeadWriter.MaxLength(head, additions) + (_keptLength > 0 ? _keptLength : _body.FirstPieceRoom(available)));
        _outgoing.Advance(BackendHeadWriter.Write(bytes, head, additions, _outgoing.Room));
        var rest = bytes[head.Length..];
        int consumed;
        if (_keptLength > 0)
        {
            _body.Keep();
            consumed = _keeper.Begin(_keptLength, rest);
        }
        else if (_body.TakeAlong(rest, _outgoing, out consumed) is not BodyFault.None and var fault)
        {
            FailClient(fault);
            return;
        }

        Client.Store(rest[consumed..]);
        if (_keeper.IsComplete)
        {
            Choose();
        }
        else
        {
            GoOnKeeping();
        }
    }

    private void GoOnKeeping()
    {
        var client = Client;
        switch (_keeper.Run(client))
        {
            case BodyFault.Ended:
                FailClient(BodyFault.Ended);
                return;
            case BodyFault.Gone:
                OnClientGone();
                client.Close();
                return;
        }

        if (_keeper.IsComplete)
        {
            client.ClearDeadline();
            client.LimitHalfClosed();
            Choose();
        }
        else
        {
            client.SetDeadline((long)_services.Timeouts.Value.Exchange.TotalMilliseconds);
        }
    }
}
