using Kiro.Balancer.Backends;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Admin;

/// <summary>A balancer with three nodes that accept a probe and never answer it, so that the test alone sets their states.</summary>
internal sealed class UnprobedBalancer : IAsyncDisposable
{
    private readonly SocketServer[] _nodes =
        [.. Enumerable.Range(0, 3).Select(_ => new SocketServer((_, stop) => Task.Delay(Timeout.Infinite, stop)))];

    private BalancerInProcess? _balancer;

    public BalancerInProcess Balancer => _balancer!;

    public BackendRegistry Registry => Balancer.Registry;

    /// <summary>The name of the second node.</summary>
    public string Id => Registry.Ids()[1];

    public static async Task<UnprobedBalancer> Start(params string[] pairs)
    {
        var unprobed = new UnprobedBalancer();
        var hosts = string.Join(',', unprobed._nodes.Select(node => $"127.0.0.1:{node.Port}"));
        unprobed._balancer = await BalancerInProcess.Start(["BACKEND_HOSTS=" + hosts, "HEALTH_TIMEOUT=300", .. pairs]);
        await Eventually.BeTrue(() => unprobed.Registry.Current.Backends.Count == 3, "three nodes");
        return unprobed;
    }

    /// <summary>Sets the states of the nodes in order of their ids.</summary>
    public void SetStates(string states)
    {
        foreach (var (id, state) in Registry.Ids().Zip(states.Split(' ')))
        {
            if (state == "down")
            {
                // A node that was never up is not "down".
                Registry.Set(id, BackendVerdict.Up);
            }

            Registry.Set(id, state switch { "starting" => BackendVerdict.Unknown, "down" => BackendVerdict.Down, _ => BackendVerdict.Up });
            if (state == "draining")
            {
                Registry.Drain(Registry.Find(id));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Balancer.DisposeAsync();
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }
    }
}
