namespace Kiro.Balancer.Clients;

/// <summary>
/// Detects that client addresses are lost on the way: all requests have the same address, or come through an untrusted proxy. Hashing
/// then sends all clients to one backend, which operators should be warned of. The same for the key of <c>STICKY_BY</c>.
/// </summary>
internal sealed class ClientCensus
{
    private const int MinRequests = 100;
    private const int MinVotes = 20;
    private const int MaxVotes = 100;

    // Written by requests without a lock: a race can lose a count, but not change the result.
    private Sighting? _only;
    private bool _several;
    private Sighting? _claimant;
    private int _votes;
    private long _requests;

    /// <summary>The address of all requests so far, if it is the same and there were enough; else null.</summary>
    public ClientAddress? OnlyClient =>
        !Volatile.Read(ref _several) && Volatile.Read(ref _requests) >= MinRequests ? Volatile.Read(ref _only)?.Client.Address : null;

    /// <summary>Whether all requests so far have the same key, rather than no key and the same address.</summary>
    public bool OnlyClientHasKey => Volatile.Read(ref _only)?.Client.Key is not null;

    /// <summary>The untrusted peer that sends X-Forwarded-For, if most requests come through it; else null. A single client that
    /// sends the field is no reason for a warning.</summary>
    public ClientAddress? IgnoredProxy => Volatile.Read(ref _votes) >= MinVotes ? Volatile.Read(ref _claimant)?.Client.Peer : null;

    /// <summary>Records a request.</summary>
    /// <param name="client">Its client.</param>
    /// <param name="hasField">Whether it has X-Forwarded-For.</param>
    public void Record(in Client client, bool hasField)
    {
        if (!_several)
        {
            if (_only is null)
            {
                Interlocked.CompareExchange(ref _only, new Sighting(client), null);
            }

            _requests++;
            if (!_only.Client.IsSameAs(client))
            {
                Volatile.Write(ref _several, true);
            }
        }

        var claims = hasField && !client.PeerIsTrusted;
        if (claims || _votes > 0)
        {
            Vote(client, claims);
        }
    }

    // Boyer-Moore majority vote: converges on the peer that most requests come through, if there is one.
    private void Vote(in Client client, bool claims)
    {
        if (claims && _votes <= 0)
        {
            Volatile.Write(ref _claimant, new Sighting(client));
            _votes = 1;
        }
        else
        {
            _votes = Math.Min(MaxVotes, _votes + (claims && _claimant?.Client.Peer == client.Peer ? 1 : -1));
        }
    }

    private sealed record Sighting(Client Client);
}
