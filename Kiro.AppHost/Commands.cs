using System.Net.Http.Headers;
using Microsoft.Extensions.DependencyInjection;

namespace Kiro.AppHost;

/// <summary>The dashboard's buttons on each node. They ask the balancer, for it is there that a node is drained.</summary>
internal static class Commands
{
    public static void AddCommands(
        this IReadOnlyList<IResourceBuilder<ProjectResource>> nodes,
        IResourceBuilder<ProjectResource> balancer,
        IResourceBuilder<ParameterResource> token,
        bool keepsSessions)
    {
        const string AtOnce = "New requests go to other nodes; those in flight finish.";
        foreach (var node in nodes)
        {
            node.AddCommand("drain", "Drain", "ArrowExit", keepsSessions ? "New clients go to other nodes; those with a session stay until it ends." : AtOnce, [KnownResourceStates.Running], balancer, token);
            if (keepsSessions)
            {
                node.AddCommand("evacuate", "Evacuate", "ArrowExit", AtOnce, [KnownResourceStates.Running, DrainWatch.Draining], balancer, token);
            }

            node.AddCommand("resume", "Resume", "ArrowEnter", "The node's clients come home.", [DrainWatch.Draining], balancer, token);
        }

        balancer.ApplicationBuilder.Services.AddHostedService(services => new DrainWatch(
            balancer.GetEndpoint("http"), [.. nodes.Select(node => node.GetEndpoint("http"))], services.GetRequiredService<ResourceNotificationService>()));
    }

    private static void AddCommand(
        this IResourceBuilder<ProjectResource> node,
        string name,
        string text,
        string icon,
        string description,
        string[] states,
        IResourceBuilder<ProjectResource> balancer,
        IResourceBuilder<ParameterResource> token) =>
        node.WithHttpCommand($"/lb/backends/{node.Resource.Name}/{name}", text, () => balancer.GetEndpoint("http"), name, new HttpCommandOptions
        {
            Description = description,
            IconName = icon,
            IsHighlighted = name == "drain",
            // The button of the other state is off.
            UpdateState = context => states.Contains(context.ResourceSnapshot.State?.Text) ? ResourceCommandState.Enabled : ResourceCommandState.Disabled,
            PrepareRequest = async context => context.Request.Headers.Authorization =
                new AuthenticationHeaderValue("Bearer", await token.Resource.GetValueAsync(context.CancellationToken)),
        });
}
