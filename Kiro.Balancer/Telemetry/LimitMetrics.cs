using System.Diagnostics.Metrics;
using Kiro.Balancer.Clients.ProxyProtocol;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Listening;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer.Telemetry;

/// <summary>What is bounded, as metrics.</summary>
internal sealed class LimitMetrics : IHostedService
{
    public LimitMetrics(
        IMeterFactory meters, DescriptorLimit descriptors, ConnectionLimit connections, ClientConnections perClient,
        RequestLimit requests, BodyLimit bodies, AdminAccess admin, ProxyHeaders introductions, LoopGuard loops)
    {
        // The factory owns it.
        var meter = meters.Create(BalancerMetrics.MeterName);
        meter.CreateObservableUpDownCounter("kiro.balancer.client_connections", () => connections.Open, "{connection}", "Open connections of clients");
        meter.CreateObservableGauge("kiro.balancer.client_connections_limit", () => connections.Max, "{connection}", "How many connections of clients may be open");
        meter.CreateObservableCounter("kiro.balancer.client_connections_refused", () => connections.Refused, "{connection}", "Connections of clients that were refused because of a limit");
        meter.CreateObservableGauge("kiro.balancer.descriptor_limit", () => descriptors.Soft ?? 0, "{file}", "How many files and sockets the process may have open");
        meter.CreateObservableCounter("kiro.balancer.wrong_admin_tokens", () => admin.WrongTokens, "{request}", "Requests with a wrong admin token");
        meter.CreateObservableCounter("kiro.balancer.admin_tokens_refused", () => admin.Unheard, "{request}", "Admin tokens that were not looked at because their sender had been wrong too often");
        meter.CreateObservableCounter("kiro.balancer.per_client_connections_refused", () => perClient.Refused, "{connection}", "Connections that were refused because one client had too many");
        meter.CreateObservableCounter("kiro.balancer.per_client_requests_refused", () => requests.Refused, "{request}", "Requests that were refused because one client sent too many");
        meter.CreateObservableCounter("kiro.balancer.request_bodies_refused", () => bodies.Refused, "{request}", "Requests that were refused because their body was too long");
        meter.CreateObservableCounter("kiro.balancer.proxy_headers_refused", () => introductions.Refused, "{connection}", "Connections of trusted proxies that were closed because no valid header of the PROXY protocol came first");
        meter.CreateObservableCounter("kiro.balancer.loops", () => loops.Loops, "{request}", "Requests that came back to this balancer and were answered with 508");
    }

    // Hosted only so that it is made at the start.
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
