using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kiro;

/// <summary>The dashboard's buttons on a node. They ask the balancer, for it is there that a node is drained.</summary>
internal static class DrainCommands
{
    private const string Evacuate = "evacuate";

    public static void AddTo(IDistributedApplicationBuilder builder, KiroBalancerResource balancer, BalancedNodes nodes)
    {
        var node = builder.CreateResourceBuilder(nodes.Resource);
        node.Add(balancer, "drain", "Drain", "ArrowExit", "New requests go to other nodes; those in flight finish, and where sessions stay, these too.", KnownResourceStates.Running);
        node.Add(balancer, Evacuate, "Evacuate", "ArrowExit", "All clients go to other nodes at once; requests in flight finish.", KnownResourceStates.Running, DrainWatch.Draining);
        node.Add(balancer, "resume", "Resume", "ArrowEnter", "The node's clients come home.", DrainWatch.Draining);
    }

    private static void Add(
        this IResourceBuilder<IResourceWithEndpoints> node, KiroBalancerResource balancer, string order, string text, string icon, string description, params string[] states)
    {
        // A second balancer before the same nodes has commands of its own.
        var isTaken = node.Resource.Annotations.OfType<ResourceCommandAnnotation>().Any(command => command.Name == order);
        node.WithCommand(isTaken ? $"{balancer.Name}-{order}" : order, isTaken ? $"{text} ({balancer.Name})" : text, context => OrderAsync(balancer, order, context), new CommandOptions
        {
            Description = description,
            IconName = icon,
            IsHighlighted = order == "drain",
            // The button of the other state is off.
            UpdateState = context => order == Evacuate && !balancer.KeepsSessions ? ResourceCommandState.Hidden
                : states.Contains(context.ResourceSnapshot.State?.Text) ? ResourceCommandState.Enabled
                : ResourceCommandState.Disabled,
        });
    }

    private static async Task<ExecuteCommandResult> OrderAsync(KiroBalancerResource balancer, string order, ExecuteCommandContext context)
    {
        if (!balancer.Running.TryGetValue(context.ResourceName, out var address))
        {
            return CommandResults.Failure($"{context.ResourceName} does not run.");
        }

        try
        {
            using var response = await AdminRequest.PostAsync(balancer, $"backends/{address}/{order}", context.CancellationToken);
            return response.IsSuccessStatusCode
                ? CommandResults.Success()
                : CommandResults.Failure($"{balancer.Name} responds with {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(context.CancellationToken)}");
        }
        catch (HttpRequestException problem)
        {
            return CommandResults.Failure($"{balancer.Name} cannot be reached: {problem.Message}");
        }
    }
}
