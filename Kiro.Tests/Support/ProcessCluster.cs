using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;

namespace Kiro.Tests.Support;

/// <summary>Real nodes and a real balancer, each in a process that a test can kill or freeze.</summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kiro-faults-").FullName;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };
    private readonly Dictionary<string, string> _database;
    private readonly Dictionary<string, ServiceProcess> _nodes = [];
    private readonly int _known;

    /// <param name="known">The number of nodes in BACKEND_HOSTS; not all of them need to run.</param>
    /// <param name="database">The variables of a database; by default an SQLite file of its own.</param>
    /// <param name="firstPort">The port of the first node; by default a free one.</param>
    private ProcessCluster(int known, Dictionary<string, string>? database, int? firstPort)
    {
        _known = known;
        FirstPort = firstPort ?? FreePort.Range(known);
        _database = database ?? new() { ["SQLITE_FILE"] = Path.Combine(_folder, "kiro.db") };
    }

    public int Port { get; } = FreePort.Next();

    public int FirstPort { get; }

    public ServiceProcess Balancer { get; private set; } = null!;

    public static string Name(int number) => $"api-{number}";

    /// <summary>Starts nodes 1 to <paramref name="running"/> and the balancer, and waits until all are up.</summary>
    public static async Task<ProcessCluster> StartAsync(
        int running = 5,
        int? known = null,
        Dictionary<string, string>? database = null,
        Dictionary<string, string>? balancer = null,
        int? firstPort = null)
    {
        var cluster = new ProcessCluster(known ?? running, database, firstPort);
        for (var number = 1; number <= running; number++)
        {
            cluster.Start(number);
        }

        cluster.Balancer = NewBalancer(cluster.Port, cluster.Backends(), balancer ?? []);
        await cluster.UpAsync(running);
        return cluster;
    }

    /// <summary>Starts a second balancer for the same nodes and waits until it sees as many up as the first.</summary>
    public async Task<(int Port, ServiceProcess Process)> StartAnotherBalancerAsync(bool reversed)
    {
        var port = FreePort.Next();
        var process = NewBalancer(port, reversed ? Backends().Reverse() : Backends(), []);
        var up = (await StatusAsync(Port)).Count(node => node.State == "up");
        await Eventually.BeTrue(async () => (await StatusAsync(port)).Count(node => node.State == "up") == up, $"{up} nodes are up at the other balancer");
        return (port, process);
    }

    public void Start(int number) => _nodes[Name(number)] = new ServiceProcess("Kiro.Api", new Dictionary<string, string>(_database)
    {
        ["PORT"] = Text(FirstPort + number - 1),
        ["NODE_NAME"] = Name(number),
        // The default: long enough for a busy balancer to notice.
        ["DRAIN_DELAY"] = "5",
    });

    /// <summary>The process of a node.</summary>
    public ServiceProcess Node(int number) => _nodes[Name(number)];

    /// <summary>Waits until exactly this many nodes are up.</summary>
    public Task UpAsync(int count) => Eventually.BeTrue(async () => (await StatusAsync()).Count(node => node.State == "up") == count, $"{count} nodes are up");

    /// <summary>Waits for the balancer to exit and starts it again on the same port.</summary>
    public async Task RestartBalancerAsync()
    {
        await Balancer.ExitCode();
        await Balancer.DisposeAsync();
        Balancer = NewBalancer(Port, Backends(), []);
        await Eventually.BeTrue(async () => (await StatusAsync()).Any(node => node.State == "up"), "the balancer is back");
    }

    /// <summary>The name and state of each node, as the balancer sees it.</summary>
    public Task<IReadOnlyList<(string? Node, string State)>> StatusAsync() => StatusAsync(Port);

    private async Task<IReadOnlyList<(string? Node, string State)>> StatusAsync(int port)
    {
        var status = await _http.GetFromJsonAsync<JsonElement>($"http://127.0.0.1:{port}/lb/status");
        return [.. status.GetProperty("backends").EnumerateArray().Select(node => (node.GetProperty("node").GetString(), node.GetProperty("state").GetString()!))];
    }

    /// <summary>Sends a request from each of many clients, so that every node has some.</summary>
    public async Task SendAsync(int clients = 60)
    {
        for (var client = 0; client < clients; client++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{Port}/api/client-ip");
            request.Headers.Add("X-Forwarded-For", $"203.0.113.{client}");
            (await _http.SendAsync(request, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
        }
    }

    /// <summary>Stops everything gracefully and returns the requests counted in the ledger.</summary>
    public async Task<long> LedgerSumAsync()
    {
        Balancer.Signal("INT");
        await Balancer.ExitCode();
        foreach (var node in _nodes.Values.Where(node => !node.HasExited))
        {
            node.Signal("INT");
        }

        foreach (var node in _nodes.Values)
        {
            await node.ExitCode();
        }

        return await Ledger.SumAsync(_database);
    }

    public async ValueTask DisposeAsync()
    {
        if (Balancer is not null)
        {
            await Balancer.DisposeAsync();
        }

        foreach (var node in _nodes.Values)
        {
            await node.DisposeAsync();
        }

        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private IEnumerable<string> Backends() => Enumerable.Range(0, _known).Select(index => $"127.0.0.1:{FirstPort + index}");

    private static ServiceProcess NewBalancer(int port, IEnumerable<string> backends, Dictionary<string, string> more) =>
        new("Kiro.Balancer", new Dictionary<string, string>(more)
        {
            ["BALANCER_PORT"] = Text(port),
            ["BACKEND_HOSTS"] = string.Join(',', backends),
        });

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
