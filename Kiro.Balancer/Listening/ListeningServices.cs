using System.Net;
using System.Net.Sockets;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Discovery;
using Kiro.Balancer.Listening.Takeover;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Connections;

namespace Kiro.Balancer.Listening;

internal static class ListeningServices
{
    public static void AddListening(this WebApplicationBuilder builder, Reloadable<ListeningOptions> options, ListenSockets sockets)
    {
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(DescriptorLimit.Raise());
        builder.Services.AddSingleton(new ConnectionLimit(options.Value.Connections ?? int.MaxValue));
        builder.Services.AddSingleton<ClientAdmission>();
        builder.Services.AddSingleton<ProxyHeaderPolicy>();
        builder.Services.AddSingleton(sockets);
        builder.Services.AddSingleton<BindErrors>();
        builder.WebHost.UseSockets(transport =>
        {
            // With InlineCompletions: a request stays on the thread that received it.
            transport.UnsafePreferInlineScheduling = true;
            // A 4 KiB buffer per idle client is cheaper than two system calls per request.
            transport.WaitForDataBeforeAllocatingBuffer = false;
        });
        // After Kestrel's own: the last factory is asked first.
        builder.Services.AddSingleton<IConnectionListenerFactory, BoundedListenerFactory>();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.KeepAliveTimeout = options.Value.IdleTimeout;
            // Read by each new connection.
            options.OnChange(now => kestrel.Limits.KeepAliveTimeout = now.IdleTimeout);
        });
    }
}

/// <summary>Explains bind errors by the setting that caused them.</summary>
internal sealed class BindErrors(ListenPort plain, IEnumerable<ConfiguredPort> others)
{
    /// <summary>The exception to throw instead, which ends the start with one line.</summary>
    /// <param name="endpoint">The address.</param>
    /// <param name="problem">The error.</param>
    public Exception Problem(EndPoint endpoint, SocketException problem)
    {
        var refusal = new StartRefusedException([$"{Setting(endpoint, problem.SocketErrorCode)} {Describe(problem)}."]);
        // With any other exception, Kestrel would fall back to IPv4 alone.
        return problem.SocketErrorCode == SocketError.AddressAlreadyInUse ? new AddressInUseException(problem.Message, refusal) : refusal;
    }

    private string Setting(EndPoint endpoint, SocketError error)
    {
        var address = endpoint as IPEndPoint;
        var other = others.FirstOrDefault(name => name.Port == address?.Port);
        return error == SocketError.AddressNotAvailable && other?.Value.Contains(':', StringComparison.Ordinal) != true && plain.AddressVariable is { } addresses
            ? $"{addresses}={address?.Address}"
            : other is not null ? $"{other.Variable}={other.Value}" : $"{plain.Variable}={plain.Port}";
    }

    private static string Describe(SocketException problem) => problem.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "is in use by another process",
        SocketError.AddressNotAvailable => "cannot be listened on: this machine has no such address",
        SocketError.AccessDenied => "cannot be opened: ports below 1024 require CAP_NET_BIND_SERVICE",
        _ => $"cannot be opened: {problem.Message}",
    };
}

/// <summary>The line logged after the start: where the balancer listens, what it balances over, and where the status page is.</summary>
internal static partial class StartupLog
{
    private const int MaxBackends = 5;

    public static void LogWhenStarted(this WebApplication app, ListenPort listen, AdminListener admin, DiscoveryOptions discovery) =>
        app.Lifetime.ApplicationStarted.Register(() => LogServing(app.Logger, Where(listen), BackendsOf(discovery), Page(listen, admin)));

    private static string Where(ListenPort listen) => listen.Addresses.Count == 0
        ? $"port {listen.Port} of all addresses"
        : string.Join(", ", listen.Addresses.Select(address => new IPEndPoint(address, listen.Port)));

    private static string BackendsOf(DiscoveryOptions discovery) => discovery.Mode switch
    {
        DiscoveryMode.ServiceDiscovery => $"the addresses of {DiscoveryOptions.Service} (service discovery)",
        DiscoveryMode.Dns => $"the addresses of {discovery.Dns}, port {discovery.DnsPort} (BACKEND_DNS)",
        DiscoveryMode.File => $"{FirstOf(discovery)} (BACKEND_FILE)",
        DiscoveryMode.Hosts => $"{FirstOf(discovery)} (BACKEND_HOSTS)",
        _ => $"{FirstOf(discovery)} (local ports)",
    };

    private static string FirstOf(DiscoveryOptions discovery)
    {
        var more = discovery.Fixed.Count - MaxBackends;
        return string.Join(", ", discovery.Fixed.Take(MaxBackends).Select(node => node.Id)) + (more > 0 ? $" and {more} more" : "");
    }

    private static string Page(ListenPort listen, AdminListener admin)
    {
        var (address, port) = admin.EndPoint is { } adminListener ? (adminListener.Address, adminListener.Port) : (listen.Addresses.FirstOrDefault(IPAddress.Any), listen.Port);
        return address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) ? $"http://localhost:{port}/lb" : $"http://{new IPEndPoint(address, port)}/lb";
    }

    [LoggerMessage(55, LogLevel.Information, "Listening on {Where}, balancing over {Nodes}; status page: {Page}")]
    private static partial void LogServing(ILogger logger, string where, string nodes, string page);
}
