using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kiro;

/// <summary>Where a published balancer finds its nodes.</summary>
internal static class PublishedNodes
{
    /// <summary>One resource has a name with an address for each of its replicas; of several each is one node in a list.</summary>
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
