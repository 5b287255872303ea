namespace Kiro.Balancer.Clients;

/// <summary>
/// Notices when the clients' addresses do not arrive: everybody with one address, or a proxy that nobody trusts.
/// Then hashing sends everybody to one node, which an operator should hear from us and not from that node.
/// </summary>
internal sealed class ClientCensus
{
    private const int EnoughRequests = 100;

    // Written without a lock by requests: a lost race costs a count, never a wrong verdict.
    private Sighting? _only;
    private bool _several;
    private Sighting? _ignoredProxy;
    private long _requests;

    /// <summary>The address that every request so far came from, once there were enough of them; else null.</summary>
    public ClientAddress? OnlyClient =>
        !Volatile.Read(ref _several) && Volatile.Read(ref _requests) >= EnoughRequests ? Volatile.Read(ref _only)?.Address : null;

    /// <summary>The latest peer that sent X-Forwarded-For without being trusted; else null.</summary>
    public ClientAddress? IgnoredProxy => Volatile.Read(ref _ignoredProxy)?.Address;

    /// <summary>Notes a request.</summary>
    /// <param name="client">Who sent it.</param>
    /// <param name="claimsAnother">Whether it carries X-Forwarded-For.</param>
    public void Note(in Client client, bool claimsAnother)
    {
        if (!_several)
        {
            if (_only is null)
            {
                Interlocked.CompareExchange(ref _only, new Sighting(client.Address), null);
            }

            _requests++;
            if (_only.Address != client.Address)
            {
                Volatile.Write(ref _several, true);
            }
        }

        if (claimsAnother && !client.PeerIsTrusted && _ignoredProxy?.Address != client.Peer)
        {
            Volatile.Write(ref _ignoredProxy, new Sighting(client.Peer));
        }
    }

    private sealed record Sighting(ClientAddress Address);
}
