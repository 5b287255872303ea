using System.Globalization;
using Kiro.Tests.Support;

namespace Kiro.Tests.Cluster;

/// <summary>A runner with two instances and a balancer, on free ports.</summary>
internal sealed class RunningCluster : IAsyncDisposable
{
    private const int Instances = 2;
    private static readonly HttpClient Http = new();

    private readonly int _port = FreePort.Range(Instances + 1);
    private int[] _children = [];

    private RunningCluster()
    {
        Process = new ServiceProcess("Kiro.Cluster", new Dictionary<string, string>
        {
            ["INSTANCE_COUNT"] = Instances.ToString(CultureInfo.InvariantCulture),
            ["BALANCER_PORT"] = _port.ToString(CultureInfo.InvariantCulture),
            ["START_PORT"] = (_port + 1).ToString(CultureInfo.InvariantCulture),
        });
    }

    public ServiceProcess Process { get; }

    public string Balancer => $"http://localhost:{_port}";

    public IEnumerable<string> Addresses => Enumerable.Range(_port + 1, Instances).Select(port => $"http://localhost:{port}");

    /// <summary>Starts it and waits until it reports that it is up.</summary>
    public static async Task<RunningCluster> StartAsync()
    {
        var cluster = new RunningCluster();
        await Eventually.BeTrue(() => cluster.Process.Output.Contains("  stop ", StringComparison.Ordinal), "the cluster is up");
        cluster._children = ChildProcesses.Of(cluster.Process.Id);
        Assert.Equal(Instances + 1, cluster._children.Length);
        return cluster;
    }

    public static Task<string> Get(string address) => Http.GetStringAsync(new Uri(address), TestContext.Current.CancellationToken);

    public Task<bool> AllHealthy() => Contains($"{Balancer}/health", $"\"healthy_backends\":{Instances}");

    public static async Task<bool> Contains(string address, string text) => (await Get(address)).Contains(text, StringComparison.Ordinal);

    /// <summary>Waits until no process and no listener is left.</summary>
    public Task NothingIsLeft() => Eventually.BeTrue(
        () => _children.All(ChildProcesses.IsGone) && Enumerable.Range(_port, Instances + 1).All(FreePort.IsFree),
        "all children have exited and their ports are free");

    public async ValueTask DisposeAsync() => await Process.DisposeAsync();
}
