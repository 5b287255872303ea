using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Containers;

/// <summary>One of the Compose files, started on its own port, with MariaDB next to it.</summary>
internal sealed class Compose : IAsyncDisposable
{
    private const string Project = "kiro-test";
    private const string Gateway = "172.31.13.1";

    private static bool _isBuilt;

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };
    private readonly string _environment = Path.GetTempFileName();
    private readonly string _file;
    private readonly bool _withDatabase;

    private Compose(string file, bool withDatabase)
    {
        _file = file;
        _withDatabase = withDatabase;
    }

    public int Port { get; } = FreePort.Next();

    /// <summary>Builds the images, runs <c>up -d</c> and waits until this many nodes are up.</summary>
    public static async Task<Compose> UpAsync(string file, int nodes, string[]? more = null, bool withDatabase = true)
    {
        await Docker.NeedAsync();
        var compose = new Compose(file, withDatabase);
        string[] settings = [$"BALANCER_PORT={compose.Port}", "DRAIN_DELAY=2"];
        // The load comes from this machine through a published port, so its peer address is the network's gateway.
        string[] database = [$"TRUSTED_PROXIES={Gateway}", "MYSQL_HOST=db", "MYSQL_PORT=3306", "MYSQL_USER=kiro", "MYSQL_PASSWORD=change-me"];
        await File.WriteAllLinesAsync(compose._environment, withDatabase ? [.. settings, .. database] : settings);
        try
        {
            // Removes what a killed test run left behind.
            await compose.RunAsync(60, "down", "-v", "-t", "1", "--remove-orphans");
            await BuildAsync();
            await compose.RunAsync(60, ["up", "-d", .. more ?? []]);
            await compose.StatesAsync(nodes);
            if (withDatabase)
            {
                await Eventually.BeTrue(async () => await Ledger.NodesAsync(await DatabaseAsync()) == nodes, "every node is in the database");
            }

            return compose;
        }
        catch
        {
            await compose.DisposeAsync();
            throw;
        }
    }

    /// <summary>Builds both images, once per run: even an unchanged build takes seconds.</summary>
    public static async Task BuildAsync()
    {
        if (!_isBuilt)
        {
            await Docker.RunAsync("docker-compose", ["-f", "docker-compose.scale.yml", "build"], 400);
            _isBuilt = true;
        }
    }

    /// <summary>Runs a docker-compose command and adds it to the report.</summary>
    public async Task<string> RunAsync(double seconds, params string[] command)
    {
        Report.WriteLine($"$ docker-compose -f {_file} {string.Join(' ', command)}");
        string[] database = _withDatabase ? ["-f", Path.Combine(Repository.Root, "Kiro.Tests", "Containers", "mariadb.yml")] : [];
        return await Docker.RunAsync("docker-compose", ["-p", Project, "--env-file", _environment, "-f", _file, .. database, .. command], seconds);
    }

    /// <summary>The container of a service that has only one.</summary>
    public static async Task<string> ContainerAsync(string service) =>
        (await Docker.AddressesAsync($"com.docker.compose.project={Project}", $"com.docker.compose.service={service}")).Keys.Single();

    /// <summary>The addresses of the running <c>api</c> containers, by container ID, which is also the node name.</summary>
    public static Task<IReadOnlyDictionary<string, string>> NodesAsync() =>
        Docker.AddressesAsync($"com.docker.compose.project={Project}", "com.docker.compose.service=api");

    /// <summary>When each container was started, to tell whether it was restarted.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> StartsAsync(IEnumerable<string> containers)
    {
        var starts = new Dictionary<string, string>();
        foreach (var container in containers)
        {
            starts.Add(container, await Docker.InspectAsync(container, "{{.Id}} {{.State.StartedAt}} {{.RestartCount}}"));
        }

        return starts;
    }

    /// <summary>Waits until exactly this many nodes are up.</summary>
    public Task StatesAsync(int up) => Eventually.BeTrue(
        async () => (await StatusAsync()).GetProperty("summary").GetProperty("healthy").GetInt32() == up, $"{up} nodes are up");

    public Task<JsonElement> StatusAsync() =>
        _http.GetFromJsonAsync<JsonElement>(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}/lb/status"));

    /// <summary>Waits until the ledger has counted this many requests, and no more.</summary>
    public static async Task CountedAsync(int requests)
    {
        var database = await DatabaseAsync();
        long sum = 0;
        await Eventually.BeTrue(async () => (sum = await Ledger.SumAsync(database)) >= requests, $"the ledger has {requests} requests");
        Report.WriteLine($"ledger {sum} of {requests}");
        Assert.Equal(requests, sum);
    }

    private static async Task<Dictionary<string, string>> DatabaseAsync() => new()
    {
        ["MYSQL_HOST"] = (await Docker.AddressesAsync($"com.docker.compose.project={Project}", "com.docker.compose.service=db")).Values.Single(),
        ["MYSQL_PORT"] = "3306",
        ["MYSQL_USER"] = "kiro",
        ["MYSQL_PASSWORD"] = "change-me",
        ["MYSQL_DATABASE"] = "kiro_api",
    };

    public async ValueTask DisposeAsync()
    {
        await RunAsync(90, "down", "-v", "-t", "5");
        _http.Dispose();
        File.Delete(_environment);
    }
}
