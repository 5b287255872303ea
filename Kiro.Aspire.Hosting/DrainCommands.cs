using System.Net.Http.Headers;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kiro;

/// <summary>The dashboard's commands on a node, which are sent to the balancer.</summary>
internal static class DrainCommands
{
    private const string Evacuate = "evacuate";

    public static void AddTo(IDistributedApplicationBuilder builder, KiroBalancerResource balancer, BalancedNodes nodes)
    {
        var node = builder.CreateResourceBuilder(nodes.Resource);
        node.Add(balancer, "drain", "Drain", "ArrowExit", "New requests go to other nodes; those in flight, and existing sessions, finish.", KnownResourceStates.Running);
        node.Add(balancer, Evacuate, "Evacuate", "ArrowExit", "All clients move to other nodes immediately; requests in flight finish.", KnownResourceStates.Running, DrainWatch.Draining);
        node.Add(balancer, "resume", "Resume", "ArrowEnter", "The node's clients return to it.", DrainWatch.Draining);
    }

    private static void Add(
        this IResourceBuilder<IResourceWithEndpoints> node, KiroBalancerResource balancer, string order, string text, string icon, string description, params string[] states)
    {
        // A second balancer in front of the same nodes has its own commands.
        var isTaken = node.Resource.Annotations.OfType<ResourceCommandAnnotation>().Any(command => command.Name == order);
        node.WithCommand(isTaken ? $"{balancer.Name}-{order}" : order, isTaken ? $"{text} ({balancer.Name})" : text, context => OrderAsync(balancer, order, context), new CommandOptions
        {
            Description = description,
            IconName = icon,
            IsHighlighted = order == "drain",
            // Disable the command of the other state.
            UpdateState = context => order == Evacuate && !balancer.KeepsSessions ? ResourceCommandState.Hidden
                : states.Contains(context.ResourceSnapshot.State?.Text) ? ResourceCommandState.Enabled
                : ResourceCommandState.Disabled,
        });
    }

    private static async Task<ExecuteCommandResult> OrderAsync(KiroBalancerResource balancer, string order, ExecuteCommandContext context)
    {
        if (!balancer.Running.TryGetValue(context.ResourceName, out var address))
        {
            return CommandResults.Failure($"{context.ResourceName} is not running.");
        }

        try
        {
            using var response = await AdminRequest.PostAsync(balancer, $"backends/{address}/{order}", context.CancellationToken);
            return response.IsSuccessStatusCode
                ? CommandResults.Success()
                : CommandResults.Failure($"{balancer.Name} responded with {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(context.CancellationToken)}");
        }
        catch (HttpRequestException problem)
        {
            return CommandResults.Failure($"{balancer.Name} cannot be reached: {problem.Message}");
        }
    }
}

/// <summary>Requests to a running balancer's admin endpoints.</summary>
internal static class AdminRequest
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(10) };

    /// <param name="balancer">The balancer.</param>
    /// <param name="path">The path below <c>/lb/</c>.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="HttpRequestException">It cannot be reached.</exception>
    public static async Task<HttpResponseMessage> PostAsync(KiroBalancerResource balancer, string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{balancer.PrimaryEndpoint.Url}/lb/{path}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await balancer.AdminTokenParameter.GetValueAsync(cancellationToken));
        return await Http.SendAsync(request, cancellationToken);
    }
}
