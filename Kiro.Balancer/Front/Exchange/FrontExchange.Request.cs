using System.IO.Hashing;
using System.Text;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Front.Exchange;

/// <content>Reading the request: the client behind it, and the request for the backend.</content>
internal sealed partial class FrontExchange
{
    private void ResolveClient(ClientConnection client, ReadOnlySpan<byte> bytes, RequestHead head)
    {
        var (isLoop, count) = (false, 0);
        foreach (ref readonly var field in head.Fields)
        {
            count += HasName(field, bytes, _worker.ClientField) ? 1 : 0;
            isLoop |= field.Kind == RequestFieldKind.CdnLoop && _services.Rules.Mark.IsIn(field.Value(bytes));
        }

        if (isLoop)
        {
            _isLoop = true;
            _services.Loops.Record();
        }

        (_identity, Slot) = (client.Identity, client.HashSlot);
        if (client.Identity.PeerIsTrusted)
        {
            ReadClientAddress(bytes, head, count);
        }

        _cookieLines = null;
        if (!_services.Clients.Sticky.IsByAddress)
        {
            ResolveStickyKey(bytes, head);
        }

        _services.Census.Record(_identity, count > 0);
    }

    // The last line first, as long as each was added by a trusted proxy.
    private void ReadClientAddress(ReadOnlySpan<byte> bytes, RequestHead head, int count)
    {
        var name = _worker.ClientField;
        var form = _services.Clients.Header.Format;
        if (form == ClientHeaderFormat.Either)
        {
            form = count > 0 ? ClientHeaderFormat.XForwardedFor : ClientHeaderFormat.Forwarded;
            name = count > 0 ? name : "Forwarded"u8;
        }

        for (var index = head.FieldCount - 1; index >= 0; index--)
        {
            ref readonly var field = ref head.Fields[index];
            if (HasName(field, bytes, name) && !_services.Clients.Read(field.Value(bytes), form, count, ref _identity))
            {
                break;
            }
        }

        if (_identity.Address != Client.Identity.Address)
        {
            Slot = _services.Hash.Slot(_identity.Address);
        }
    }

    private static bool HasName(in RequestField field, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> name) =>
        field.NameLength == name.Length && Ascii.EqualsIgnoreCase(field.Name(bytes), name);

    private void ResolveStickyKey(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        var key = _services.Clients.Sticky.Cookie is { } cookie ? KeyFromCookie(bytes, head, cookie) : KeyFromField(bytes, head);
        if (key is { } known)
        {
            _identity = _identity with { Key = known, IsNew = _cookieLines is not null };
            Slot = _services.Hash.Slot(known);
        }
    }

    // A new client gets its id before its backend is chosen, so that its first response comes from the same one as all others.
    private StickyKey KeyFromCookie(ReadOnlySpan<byte> bytes, RequestHead head, StickyCookie cookie)
    {
        foreach (ref readonly var field in head.Fields)
        {
            if (field.Kind == RequestFieldKind.Cookie && cookie.TryFind(field.Value(bytes), out var key))
            {
                return key;
            }
        }

        var id = StickyCookie.NewId();
        var isSecure = Client.IsSecure
            || (_identity.PeerIsTrusted && Ascii.EqualsIgnoreCase(head.FirstValue(bytes, RequestFieldKind.ForwardedProto), "https"u8));
        // A shared cache must not give this id to other clients.
        _cookieLines = Encoding.ASCII.GetBytes($"Set-Cookie: {cookie.Set(id, isSecure)}\r\nCache-Control: private\r\n");
        return StickyKey.Of(id);
    }

    // Several field lines are equivalent to one with a comma-separated list (RFC 9110, section 5.3).
    private StickyKey? KeyFromField(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        StickyKey? key = null;
        XxHash3? list = null;
        ReadOnlySpan<byte> first = default;
        foreach (ref readonly var field in head.Fields)
        {
            if (field.ValueLength == 0 || !HasName(field, bytes, _worker.StickyField))
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

    private void BuildRequest(Span<byte> bytes, RequestHead head)
    {
        _spans.Begin(bytes, head, Client.IsSecure);
        var rules = _services.Rules;
        var additions = new RequestAdditions
        {
            Client = _identity,
            // Without a Host, each backend's own is inserted later.
            Authority = [],
            CdnLoopId = rules.Mark.Bytes,
            OwnCookie = rules.Cookie,
            TrustedField = rules.ClientHeader.Format == ClientHeaderFormat.SingleAddress ? _worker.ClientField : [],
            WritesForwarded = rules.WritesForwarded,
            IsSecure = Client.IsSecure,
            CertificateLine = Client.CertificateLine,
            Lines = _spans.Line,
            ReplacesTrace = _spans.IsOn,
        };
        var available = bytes.Length - head.Length;
        _outgoing.Begin(BackendHeadWriter.MaxLength(head, additions) + (_bufferedLength > 0 ? _bufferedLength : _body.MaxInitialLength(available)));
        _outgoing.Advance(BackendHeadWriter.Write(bytes, head, additions, _outgoing.Free));
        var rest = bytes[head.Length..];
        int consumed;
        if (_bufferedLength > 0)
        {
            _body.Skip();
            consumed = _bufferedBody.Begin(_bufferedLength, rest);
        }
        else if (_body.AppendInitial(rest, _outgoing, out consumed) is not BodyFault.None and var fault)
        {
            FailClient(fault);
            return;
        }

        Client.BufferInput(rest[consumed..]);
        if (_bufferedBody.IsComplete)
        {
            Choose();
        }
        else
        {
            ReadBufferedBody();
        }
    }

    private void ReadBufferedBody()
    {
        var client = Client;
        switch (_bufferedBody.Run(client))
        {
            case BodyFault.Truncated:
                FailClient(BodyFault.Truncated);
                return;
            case BodyFault.ClientLost:
                OnClientGone();
                client.Close();
                return;
        }

        if (_bufferedBody.IsComplete)
        {
            client.ClearDeadline();
            client.RestartHalfClosedTimeout();
            Choose();
        }
        else
        {
            client.SetDeadline((long)_services.Timeouts.Value.Exchange.TotalMilliseconds);
        }
    }
}
