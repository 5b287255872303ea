using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Listening;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer.Admin;

/// <summary>Asks those who keep the bounds.</summary>
internal sealed class LimitsReport(
    DescriptorLimit descriptors, ConnectionLimit connections, LimitOptions options, ClientConnections perClient, RequestLimit requests,
    AdminAccess admin, LoopGuard loops)
{
    public LimitsStatus Now() => new()
    {
        Descriptors = new DescriptorStatus(descriptors.Soft, descriptors.Hard),
        Connections = new ConnectionStatus(connections.Open, connections.Max, connections.Refused),
        AdminTokens = new TokenStatus(admin.WrongTokens, admin.Unheard),
        Clients = new ClientLimitStatus(
            options.ConnectionsPerClient, perClient.Refused, options.RequestsPerSecond, options.Burst, requests.Refused),
        Loops = loops.Loops,
    };
}
