using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kiro;

/// <summary>The nodes of a published balancer.</summary>
internal static class PublishedNodes
{
    /// <summary>A single resource is resolved by name, to one address per replica; several resources become a list of nodes.</summary>
    public static void Tell(KiroBalancerResource balancer, EnvironmentCallbackContext context)
    {
        if (balancer.Nodes is [var single])
        {
            context.EnvironmentVariables["BACKEND_DNS"] = single.Endpoint.Property(EndpointProperty.Host);
            context.EnvironmentVariables["BACKEND_PORT"] = single.Endpoint.Property(EndpointProperty.TargetPort);
        }
        else if (balancer.Nodes.Count > 0)
        {
            var hosts = new ReferenceExpressionBuilder();
            foreach (var nodes in balancer.Nodes)
            {
                hosts.AppendLiteral(hosts.IsEmpty ? "" : ",");
                hosts.Append($"{nodes.Endpoint.Property(EndpointProperty.Host)}:{nodes.Endpoint.Property(EndpointProperty.TargetPort)}");
                hosts.AppendLiteral(nodes.Weight == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"*{nodes.Weight}"));
            }

            context.EnvironmentVariables["BACKEND_HOSTS"] = hosts.Build();
        }
    }
}
