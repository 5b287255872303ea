using Kiro.Balancer.Clients;
using Kiro.Balancer.Listening.Takeover;
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
        builder.Services.AddSingleton<ProxyHeaders>();
        builder.Services.AddSingleton(sockets);
        builder.Services.AddSingleton<PortNames>();
        builder.WebHost.UseSockets(transport =>
        {
            // With InlineCompletions: a request stays on the thread that received it.
            transport.UnsafePreferInlineScheduling = true;
            // A buffer of 4 KiB for each waiting client costs less than asking the system twice for each request.
            transport.WaitForDataBeforeAllocatingBuffer = false;
        });
        // After Kestrel's own: the last one is asked first.
        builder.Services.AddSingleton<IConnectionListenerFactory, BoundedListenerFactory>();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.KeepAliveTimeout = options.Value.IdleTimeout;
            // Each new connection reads it.
            options.OnChange(now => kestrel.Limits.KeepAliveTimeout = now.IdleTimeout);
        });
    }
}
