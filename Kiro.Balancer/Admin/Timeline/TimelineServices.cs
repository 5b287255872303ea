namespace Kiro.Balancer.Admin.Timeline;

internal static class TimelineServices
{
    public static void AddTimeline(this IServiceCollection services)
    {
        services.AddSingleton<EventRing>();
        services.AddSingleton<EventWriter>();
        services.AddSingleton<EventBroadcast>();
        services.AddSingleton<NodeHistories>();
        services.AddHostedService<EventRecorder>();
        services.AddHostedService(provider => provider.GetRequiredService<NodeHistories>());
    }
}
