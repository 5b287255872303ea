using System.Net;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Discovery;

/// <summary>Every A and AAAA address behind a name, through the system's resolver: its hosts file and search list count.</summary>
internal sealed class DnsLookup(string name, int port, TimeProvider time, bool isTls = false) : IBackendLookup
{
    // The system's resolver may take much longer to give up, and it cannot be cancelled.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public string Source => name;

    public bool CanChange => true;

    public async Task<IReadOnlyList<BackendEndpoint>> FindAsync(CancellationToken cancellationToken)
    {
        var addresses = await Dns.GetHostAddressesAsync(name, cancellationToken).WaitAsync(Patience, time, cancellationToken);
        return [.. addresses.Select(address => new BackendEndpoint(address.ToString(), port, IsTls: isTls))];
    }
}
