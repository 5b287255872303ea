using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Faults;

/// <summary>Two hosts, each with a balancer and keepalived, and three nodes on this machine.</summary>
internal sealed class BalancerPair : IAsyncDisposable
{
    /// <summary>The balancers' port in the files of <c>deploy/keepalived</c>.</summary>
    public const int Port = 13003;

    private const string Token = "a-token-of-24-characters";
    private const string Deploy = "deploy/keepalived";

    /// <summary>In seconds: long enough for kiro-leave to see half a second without new connections.</summary>
    private const string DrainDelay = "2";

    private readonly string _folder = Directory.CreateTempSubdirectory("kiro-pair-").FullName;
    private readonly PairNetwork _network;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero });
    private readonly ServiceProcess[] _nodes = new ServiceProcess[3];
    private readonly ServiceProcess[] _balancers = new ServiceProcess[2];
    private readonly ServiceProcess[] _keepalived = new ServiceProcess[2];
    private readonly int _firstNode = FreePort.Range(3);

    private BalancerPair(PairNetwork network) => _network = network;

    /// <summary>The virtual address that one of them has at a time.</summary>
    public string Address => _network.Shared;

    public static string NodeName(int number) => $"api-{number + 1}";

    /// <summary>Starts everything and waits until the virtual address responds.</summary>
    public static async Task<BalancerPair> StartAsync()
    {
        string?[] programs = [Requirement.Find("keepalived"), Requirement.Find("nft"), Requirement.Find("ip"), Requirement.Find("curl")];
        Requirement.Need("pair", programs.All(program => program is not null), "keepalived, nft, ip or curl is not installed.");
        var network = PairNetwork.TryCreate();
        Requirement.Need("pair", network is not null, "creating network namespaces needs root.");
        var pair = new BalancerPair(network!);
        try
        {
            await pair.StartAllAsync();
            return pair;
        }
        catch
        {
            await pair.DisposeAsync();
            throw;
        }
    }

    /// <summary>The host that has the virtual address.</summary>
    public async Task<int> ActiveAsync()
    {
        var active = -1;
        await Eventually.BeTrue(
            () => Enumerable.Range(0, 2).Where(host => _network.HasShared(host)).ToList() is [var one] && (active = one) >= 0, "one host has the virtual address");
        return active;
    }

    /// <summary>Kills the balancer of a host, but not its keepalived.</summary>
    public async Task KillAsync(int host)
    {
        ServiceProcess.Signal(ProcessOf(host), "KILL");
        await _balancers[host].ExitCode();
    }

    /// <summary>Stops the balancer of a host as <c>ExecStop</c> does.</summary>
    public async Task LeaveAsync(int host)
    {
        await using var leave = new ServiceProcess(
            _folder, [_network.Ip, "netns", "exec", _network.Host(host)], FileOf("kiro-leave"),
            new Dictionary<string, string> { ["DRAIN_DELAY"] = DrainDelay, ["KIRO_PROCESS"] = ProcessFile(host) }, ProcessOf(host).ToString(CultureInfo.InvariantCulture));
        Assert.Equal(0, await leave.ExitCode());
        await _balancers[host].ExitCode();
    }

    /// <summary>Disconnects a host from the network.</summary>
    public void Cut(int host) => _network.Cut(host);

    /// <summary>Drains a node at one balancer and waits until both drain it.</summary>
    public async Task DrainAsync(int host, int node)
    {
        var id = $"{_network.Outside}:{_firstNode + node}";
        using var request = new HttpRequestMessage(HttpMethod.Post, Url(host, $"/lb/backends/{id}/drain"));
        request.Headers.Add("Authorization", $"Bearer {Token}");
        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode);
        foreach (var one in (int[])[0, 1])
        {
            await Eventually.BeTrue(async () => (await BackendsOf(one)).Exists(backend => backend == (id, "draining")), $"{one} drains {id}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in (ServiceProcess?[])[.. _keepalived, .. _balancers, .. _nodes])
        {
            if (process is not null)
            {
                await process.DisposeAsync();
            }
        }

        _http.Dispose();
        _network.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartAllAsync()
    {
        for (var node = 0; node < _nodes.Length; node++)
        {
            _nodes[node] = new ServiceProcess("Kiro.Api", new Dictionary<string, string>
            {
                ["PORT"] = (_firstNode + node).ToString(CultureInfo.InvariantCulture),
                ["NODE_NAME"] = NodeName(node),
                ["SQLITE_FILE"] = Path.Combine(_folder, "kiro.db"),
                ["TRUSTED_PROXIES"] = _network.Range,
            });
        }

        foreach (var host in (int[])[0, 1])
        {
            _network.Run(host, Requirement.Find("nft")!, "-f", await WriteAsync(host, "kiro.nft"));
            _balancers[host] = new ServiceProcess(
                _folder,
                // As the unit's ExecStopPost does.
                [_network.Ip, "netns", "exec", _network.Host(host), "/bin/sh", "-c", $"\"$@\"; echo -254 >{ProcessFile(host)}", "sh"],
                "Kiro.Balancer",
                new Dictionary<string, string>
                {
                    ["BACKEND_HOSTS"] = string.Join(',', Enumerable.Range(0, _nodes.Length).Select(node => $"{_network.Outside}:{_firstNode + node}")),
                    ["TRUSTED_PROXIES"] = _network.Range,
                    ["DRAIN_DELAY"] = DrainDelay,
                    ["ADMIN_TOKEN"] = Token,
                    ["BALANCER_PEERS"] = $"{_network.AddressOf(0)},{_network.AddressOf(1)}",
                });
        }

        foreach (var host in (int[])[0, 1])
        {
            await Eventually.BeTrue(async () => (await BackendsOf(host)).TrueForAll(backend => backend.State == "up"), "every node is up");
            await File.WriteAllTextAsync(ProcessFile(host), "0\n");
            _keepalived[host] = new ServiceProcess(
                _folder, [_network.Ip, "netns", "exec", _network.Host(host)], Requirement.Find("keepalived")!, new Dictionary<string, string>(),
                "-n", "-l", "-D", "-P", "-f", await WriteAsync(host, "keepalived.conf"), "-p", Path.Combine(_folder, $"{host}.pid"), "-r", Path.Combine(_folder, $"{host}-vrrp.pid"));
        }

        await Eventually.BeTrue(
            async () => (await _http.GetAsync(new Uri($"http://{Address}:{Port}/health"), TestContext.Current.CancellationToken)).IsSuccessStatusCode,
            $"the virtual address responds; keepalived's output: {_keepalived[0].Output}");
        await SettleAsync();
    }

    // Until they hear of each other, both hosts may briefly have the address.
    private Task SettleAsync()
    {
        var (holder, seen) = (-1, 0);
        return Eventually.BeTrue(
            () =>
            {
                var holders = Enumerable.Range(0, 2).Where(_network.HasShared).ToList();
                (holder, seen) = holders is not [var one] ? (-1, 0) : (one, one == holder ? seen + 1 : 0);
                return seen == 20;
            },
            "the virtual address stays on one host");
    }

    // Writes a file of deploy/keepalived with the addresses of this network.
    private async Task<string> WriteAsync(int host, string name)
    {
        var path = Path.Combine(_folder, $"{host}-{name}");
        var text = await File.ReadAllTextAsync(FileOf(name), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(path, text
            .Replace("192.0.2.10", _network.Shared, StringComparison.Ordinal)
            .Replace("/usr/lib/kiro/kiro-health", FileOf("kiro-health"), StringComparison.Ordinal)
            .Replace("/run/kiro-process", ProcessFile(host), StringComparison.Ordinal));
        return path;
    }

    private static string FileOf(string name) => Path.Combine(Repository.Root, Deploy, name);

    private string ProcessFile(int host) => Path.Combine(_folder, $"{host}-process");

    // The balancer is the shell's only child.
    private int ProcessOf(int host) => int.Parse(
        File.ReadAllText($"/proc/{_balancers[host].Id}/task/{_balancers[host].Id}/children").Trim(), CultureInfo.InvariantCulture);

    private Uri Url(int host, string path) => new($"http://{_network.AddressOf(host)}:{Port}{path}");

    private async Task<List<(string Id, string State)>> BackendsOf(int host) =>
    [
        .. (await _http.GetFromJsonAsync<JsonElement>(Url(host, "/lb/status"), TestContext.Current.CancellationToken)).GetProperty("backends").EnumerateArray()
            .Select(backend => (backend.GetProperty("id").GetString()!, backend.GetProperty("state").GetString()!)),
    ];
}
