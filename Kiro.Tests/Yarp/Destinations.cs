using System.Globalization;
using System.Net;
using Kiro.Yarp;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Model;

namespace Kiro.Tests.Yarp;

/// <summary>Destinations as YARP passes them to a policy, and the policy as registered.</summary>
internal static class Destinations
{
    public static ILoadBalancingPolicy Policy(Action<ClientHashOptions>? configure = null)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddReverseProxy().AddClientHash(configure);
        return services.BuildServiceProvider().GetServices<ILoadBalancingPolicy>().Single(policy => policy.Name == ClientHashConstants.PolicyName);
    }

    /// <summary>A cluster of <c>http://</c> destinations with these authorities and weights.</summary>
    public static ClusterState Cluster(IReadOnlyDictionary<string, string>? metadata, params IEnumerable<(string Authority, double Weight)> nodes)
    {
        var config = new ClusterConfig { ClusterId = "api", LoadBalancingPolicy = ClientHashConstants.PolicyName, Metadata = metadata };
        var cluster = new ClusterState("api", new ClusterModel(config, new HttpMessageInvoker(new SocketsHttpHandler())));
        DestinationState[] all = [.. nodes.Select((node, index) => new DestinationState($"d{index}", new DestinationModel(Config(node.Authority, node.Weight))))];
        cluster.DestinationsState = new ClusterDestinationsState(all, all);
        return cluster;
    }

    public static DestinationConfig Config(string authority, double weight) => new()
    {
        Address = $"http://{authority}/",
        Metadata = weight == 1 ? null : new Dictionary<string, string> { [ClientHashConstants.WeightMetadata] = weight.ToString(CultureInfo.InvariantCulture) },
    };

    /// <summary>Makes all destinations available except these, as YARP's health checks do.</summary>
    public static void Fail(this ClusterState cluster, params string[] authorities)
    {
        var all = cluster.DestinationsState.AllDestinations;
        cluster.DestinationsState = new ClusterDestinationsState(all, [.. all.Where(destination => !authorities.Contains(destination.Authority()))]);
    }

    public static string Authority(this DestinationState destination) => new Uri(destination.Model.Config.Address).Authority is var authority && authority.Contains(':')
        ? authority
        : authority + ":80";

    /// <summary>The authority of the destination that serves a client.</summary>
    public static string Of(this ILoadBalancingPolicy policy, ClusterState cluster, IPAddress client) =>
        policy.PickDestination(Request(client), cluster, cluster.DestinationsState.AvailableDestinations)!.Authority();

    public static DefaultHttpContext Request(IPAddress peer, params IEnumerable<(string Name, string Value)> headers)
    {
        var context = new DefaultHttpContext { Connection = { RemoteIpAddress = peer } };
        foreach (var (name, value) in headers)
        {
            context.Request.Headers.Append(name, value);
        }

        return context;
    }

    /// <summary>Client addresses spread over all of IPv4, the same every time.</summary>
    public static IEnumerable<IPAddress> Clients(int count) =>
        Enumerable.Range(1, count).Select(number => new IPAddress(unchecked((uint)(number * 2_654_435_761L))));
}
