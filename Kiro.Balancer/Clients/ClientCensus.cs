namespace Kiro.Balancer.Clients;

/// <summary>
/// Notices when the clients' addresses do not arrive: everybody with one address, or a proxy that nobody trusts.
/// Then hashing sends everybody to one node, which an operator should hear from us and not from that node. The same with what
/// <c>STICKY_BY</c> names instead of the address.
/// </summary>
internal sealed class ClientCensus
{
    private const int EnoughRequests = 100;
    private const int EnoughVotes = 20;
    private const int MaxVotes = 100;

    // Written without a lock by requests: a lost race costs a count, never a wrong verdict.
    private Sighting? _only;
    private bool _several;
    private Sighting? _claimant;
    private int _votes;
    private long _requests;

    /// <summary>The address that every request so far came from, once there were enough of them; else null.</summary>
    public ClientAddress? OnlyClient =>
        !Volatile.Read(ref _several) && Volatile.Read(ref _requests) >= EnoughRequests ? Volatile.Read(ref _only)?.Client.Address : null;

    /// <summary>Whether every request so far came with the same key, rather than with none and from the same address.</summary>
    public bool OnlyClientHasKey => Volatile.Read(ref _only)?.Client.Key is not null;

    /// <summary>The peer that sends X-Forwarded-For without being trusted, when most requests come through it; else null.
    /// A stranger who sends one is not worth a word.</summary>
    public ClientAddress? IgnoredProxy => Volatile.Read(ref _votes) >= EnoughVotes ? Volatile.Read(ref _claimant)?.Client.Peer : null;

    /// <summary>Notes a request.</summary>
    /// <param name="client">Who sent it.</param>
    /// <param name="claimsAnother">Whether it carries X-Forwarded-For.</param>
    public void Note(in Client client, bool claimsAnother)
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

        var claims = claimsAnother && !client.PeerIsTrusted;
        if (claims || _votes > 0)
        {
            Vote(client, claims);
        }
    }

    // The majority vote of R. Boyer and J. Moore: what remains in the end is the peer that most requests name, if any.
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
