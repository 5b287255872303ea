using Kiro.Balancer.Clients;
using Kiro.ServiceDefaults.Limits;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Limits;

/// <summary>
/// The connection limit per client, by the remote address; trusted proxies have none, as they connect for many clients. Only
/// clients with open connections take memory.
/// </summary>
internal sealed partial class ClientConnections(
    Reloadable<LimitOptions> options, ClientResolver clients, TimeProvider time, ILogger<ClientConnections> logger)
{
    // Striped locks are enough: connections are far rarer than requests.
    private const int Stripes = 32;
    private const int IPv6PrefixBits = 64;

    private readonly Dictionary<ClientAddress, int>[] _open = [.. Enumerable.Range(0, Stripes).Select(_ => new Dictionary<ClientAddress, int>())];
    private readonly Burst _refusals = new(time);

    /// <summary>Whether there is a limit; if not, the other members need not be called.</summary>
    public bool IsOn => options.Value.ConnectionsPerClient > 0;

    /// <summary>Connections refused since the start.</summary>
    public long Refused => _refusals.Count;

    /// <summary>Admits a connection.</summary>
    /// <param name="peer">Its remote address.</param>
    /// <param name="key">To pass to <see cref="Leave"/> when it closes; null if it is not counted.</param>
    /// <returns>False to refuse it.</returns>
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

    /// <summary>A counted connection has closed.</summary>
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

    [LoggerMessage(54, LogLevel.Warning, "{Count} connections were refused with 429: their clients were at LIMIT_CONNECTIONS_PER_CLIENT")]
    private static partial void TooMany(ILogger logger, long count);
}
