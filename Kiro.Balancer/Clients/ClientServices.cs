namespace Kiro.Balancer.Clients;

internal static class ClientServices
{
    public static void AddClients(this IServiceCollection services, ClientOptions options) => services
        .AddSingleton(options)
        .AddSingleton<ClientResolver>()
        .AddSingleton<ClientCensus>();
}
