namespace Kiro.Balancer.Admin.Moves;

internal static class MoveServices
{
    public static void AddMoves(this IServiceCollection services) => services
        .AddSingleton<MoveCounter>()
        .AddSingleton<Homes>()
        .AddSingleton<WhatIf>();
}
