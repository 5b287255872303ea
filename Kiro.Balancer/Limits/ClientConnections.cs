using Kiro.Balancer.Clients;
using Kiro.ServiceDefaults.Limits;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Limits;

/// <summary>
/// How many connections one client may have open, by the other end of the connection; a trusted proxy has no limit, for it
/// speaks for many. Only clients with a connection are remembered, so the memory is bounded by the number of connections.
/// </summary>
internal sealed partial class ClientConnections(
    Reloadable<LimitOptions> options, ClientResolver clients, TimeProvider time, ILogger<ClientConnections> logger)
{
    // Connections come and go far less often than requests, and on several threads at once.
    private const int Stripes = 32;
    private const int IPv6PrefixBits = 64;

    private readonly Dictionary<ClientAddress, int>[] _open = [.. Enumerable.Range(0, Stripes).Select(_ => new Dictionary<ClientAddress, int>())];
    private readonly Burst _refusals = new(time);

    /// <summary>Whether there is a limit at all. When not, nothing else is to be asked.</summary>
    public bool IsOn => options.Value.ConnectionsPerClient > 0;

    /// <summary>Connections that were refused since the start.</summary>
    public long Refused => _refusals.Count;

    /// <summary>Lets a connection in.</summary>
    /// <param name="peer">Its other end.</param>
    /// <param name="key">When it is let in and counted: to be given back to <see cref="Leave"/>; else null.</param>
    /// <returns>False when it must be refused.</returns>
    public bool TryEnter(ClientAddress peer, out ClientAddress? key)
    {
        key = null;
        if (!IsOn || clients.IsTrusted(peer))
        {
            return true;
        }

        var client = peer.IsIPv4 ? peer : new ClientAddress(peer.Value & AddressRange.PrefixMask(IPv6PrefixBits));
        var stripe = StripeOf(client);
        lock (stripe)
        {
            var open = stripe.GetValueOrDefault(client);
            if (open < options.Value.ConnectionsPerClient)
            {
                stripe[client] = open + 1;
                key = client;
                return true;
            }
        }

        if (_refusals.Note() is > 0 and var count)
        {
            TooMany(logger, count);
        }

        return false;
    }

    /// <summary>A connection that was let in is closed.</summary>
    public void Leave(ClientAddress key)
    {
        var stripe = StripeOf(key);
        lock (stripe)
        {
            if (stripe[key] is > 1 and var open)
            {
                stripe[key] = open - 1;
            }
            else
            {
                stripe.Remove(key);
            }
        }
    }

    private Dictionary<ClientAddress, int> StripeOf(ClientAddress key) => _open[(uint)key.GetHashCode() % Stripes];

    [LoggerMessage(54, LogLevel.Warning, "{Count} connections were refused with 429: their clients had LIMIT_CONNECTIONS_PER_CLIENT open already")]
    private static partial void TooMany(ILogger logger, long count);
}
