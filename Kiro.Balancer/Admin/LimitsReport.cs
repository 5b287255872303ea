using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Clients.ProxyProtocol;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Listening;
using Kiro.ServiceDefaults.Settings;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer.Admin;

/// <summary>Asks those who keep the bounds.</summary>
internal sealed class LimitsReport(
    DescriptorLimit descriptors, ConnectionLimit connections, Reloadable<LimitOptions> options, ClientConnections perClient, RequestLimit requests, BodyLimit bodies,
    AdminAccess admin, AdminListener door, ProxyHeaders introductions, LoopGuard loops)
{
    public LimitsStatus Now() => new()
    {
        Descriptors = new DescriptorStatus(descriptors.Soft, descriptors.Hard),
        Connections = new ConnectionStatus(connections.Open, connections.Max, connections.Refused),
        AdminConnections = door.IsOn ? new ConnectionStatus(door.Limit.Open, door.Limit.Max, door.Limit.Refused) : null,
        AdminTokens = new TokenStatus(admin.WrongTokens, admin.Unheard),
        Clients = new ClientLimitStatus(
            options.Value.ConnectionsPerClient, perClient.Refused, options.Value.RequestsPerSecond, options.Value.Burst, requests.Refused),
        Bodies = new BodyLimitStatus(options.Value.MaxBody, bodies.Refused),
        ProxyHeadersRefused = introductions.Refused,
        Loops = loops.Loops,
    };
}
