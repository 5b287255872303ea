using System.Globalization;
using System.Net;
using BenchmarkDotNet.Attributes;
using Kiro.Yarp;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Model;

namespace Kiro.Bench;

/// <summary>Picking a destination, which YARP does once per request. The limit: 200 ns and no allocations.</summary>
[MemoryDiagnoser]
public class PickDestination
{
    private const int Clients = 4096;

    private readonly HttpContext[] _requests = new HttpContext[Clients];
    private ILoadBalancingPolicy _policy = null!;
    private ClusterState _cluster = null!;
    private int _next;

    [Params(5, 100)]
    public int Nodes { get; set; }

    [Params(false, true)]
    public bool MixedWeights { get; set; }

    [Params(false, true)]
    public bool BehindAProxy { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        for (var client = 0; client < Clients; client++)
        {
            var bytes = new byte[4];
            random.NextBytes(bytes);
            _requests[client] = new DefaultHttpContext { Connection = { RemoteIpAddress = BehindAProxy ? IPAddress.Loopback : new IPAddress(bytes) } };
            if (BehindAProxy)
            {
                _requests[client].Request.Headers["X-Forwarded-For"] = new IPAddress(bytes).ToString();
            }
        }

        var services = new ServiceCollection();
        services.AddLogging();
        services.AddReverseProxy().AddClientHash();
        _policy = services.BuildServiceProvider().GetServices<ILoadBalancingPolicy>().Single(policy => policy.Name == ClientHashConstants.PolicyName);
        DestinationState[] all = [.. Enumerable.Range(0, Nodes).Select(node => new DestinationState($"d{node}", new DestinationModel(Config(node))))];
        _cluster = new ClusterState("api", new ClusterModel(new ClusterConfig { ClusterId = "api" }, new HttpMessageInvoker(new SocketsHttpHandler())))
        {
            DestinationsState = new ClusterDestinationsState(all, all),
        };
        // The table for 100 destinations is filled in the background, during the warm-up.
        AddressToDestination();
    }

    [Benchmark]
    public DestinationState? AddressToDestination() =>
        _policy.PickDestination(_requests[_next++ % Clients], _cluster, _cluster.DestinationsState.AvailableDestinations);

    private DestinationConfig Config(int node) => new()
    {
        Address = $"http://api-{node + 1}:8080/",
        Metadata = MixedWeights
            ? new Dictionary<string, string> { [ClientHashConstants.WeightMetadata] = (1 + node % 5).ToString(CultureInfo.InvariantCulture) }
            : null,
    };
}
