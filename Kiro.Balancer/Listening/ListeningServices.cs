using Microsoft.AspNetCore.Connections;

namespace Kiro.Balancer.Listening;

internal static class ListeningServices
{
    public static void AddListening(this WebApplicationBuilder builder, ListeningOptions options)
    {
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(DescriptorLimit.Raise());
        builder.Services.AddSingleton(new ConnectionLimit(options.Connections ?? int.MaxValue));
        builder.Services.AddSingleton<ClientAdmission>();
        builder.WebHost.UseSockets(sockets =>
        {
            // With InlineCompletions: a request stays on the thread that received it.
            sockets.UnsafePreferInlineScheduling = true;
            // A buffer of 4 KiB for each waiting client costs less than asking the system twice for each request.
            sockets.WaitForDataBeforeAllocatingBuffer = false;
        });
        // After Kestrel's own: the last one is asked first.
        builder.Services.AddSingleton<IConnectionListenerFactory, BoundedListenerFactory>();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.KeepAliveTimeout = options.IdleTimeout);
    }
}
