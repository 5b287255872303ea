using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Configuration.ClusterValidators;

namespace Kiro.Yarp;

/// <summary>Rejects configurations with invalid metadata, as YARP does for its own values.</summary>
internal sealed class ClientHashValidator : IClusterValidator
{
    private const string Prefix = ClientHashConstants.PolicyName + ".";

    public ValueTask ValidateAsync(ClusterConfig cluster, IList<Exception> errors)
    {
        if (!string.Equals(cluster.LoadBalancingPolicy, ClientHashConstants.PolicyName, StringComparison.OrdinalIgnoreCase))
        {
            return ValueTask.CompletedTask;
        }

        if (cluster.Metadata?.TryGetValue(ClientHashConstants.KeyMetadata, out var key) == true && !ClientKey.TryParse(key, out _))
        {
            Refuse($"Cluster '{cluster.ClusterId}'", ClientHashConstants.KeyMetadata, key, ClientKey.Allowed);
        }

        RefuseOthers($"Cluster '{cluster.ClusterId}'", cluster.Metadata, ClientHashConstants.KeyMetadata);
        foreach (var (name, destination) in cluster.Destinations ?? new Dictionary<string, DestinationConfig>())
        {
            if (!DestinationNode.TryReadWeight(destination, out _))
            {
                Refuse($"Destination '{name}' of cluster '{cluster.ClusterId}'", ClientHashConstants.WeightMetadata,
                    destination.Metadata![ClientHashConstants.WeightMetadata], DestinationNode.AllowedWeight);
            }

            RefuseOthers($"Destination '{name}' of cluster '{cluster.ClusterId}'", destination.Metadata, ClientHashConstants.WeightMetadata);
        }

        return ValueTask.CompletedTask;

        // Misspelt or misplaced metadata would be ignored silently.
        void RefuseOthers(string whose, IReadOnlyDictionary<string, string>? metadata, string known)
        {
            foreach (var name in metadata?.Keys ?? [])
            {
                if (name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && !name.Equals(known, StringComparison.OrdinalIgnoreCase))
                {
                    errors.Add(new ArgumentException($"{whose}: metadata {name} is unknown: expected {known}."));
                }
            }
        }

        void Refuse(string whose, string name, string value, string allowed) =>
            errors.Add(new ArgumentException($"{whose}: metadata {name} = \"{value}\" is not valid: expected {allowed}."));
    }
}
