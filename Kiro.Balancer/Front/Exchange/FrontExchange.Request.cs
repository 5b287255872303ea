using System.Text;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Front.Exchange;

/// <content>What the client sent: who it is, the head for the node, a body that is kept.</content>
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

    // The last line first, as far as each is written by somebody who is trusted.
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

    private void WriteAndChoose(Span<byte> bytes, RequestHead head)
    {
        _spans.Begin(bytes, head, Client.IsSecure);
        var rules = _services.Rules;
        var additions = new RequestAdditions
        {
            Client = _who,
            // Without a Host the node's own is put in later, for each node anew.
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
