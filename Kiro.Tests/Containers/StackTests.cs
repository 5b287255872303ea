using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Tests.Faults;
using Kiro.Tests.Support;

namespace Kiro.Tests.Containers;

/// <summary>docker-stack.yml in a single-host Swarm, scaled and updated while 500 clients are served.</summary>
[Collection(SharesDocker.Name)]
public sealed class StackTests
{
    [Fact]
    public async Task Stack_ScaledAndUpdated_FailsNoRequest()
    {
        await using var stack = await Stack.DeployAsync(3);
        await using var load = new Load(stack.Port);
        await load.EveryClientAsync();
        var up = load.Now;
        await Stack.ScaleAsync(6);
        await stack.NodesAsync(6);
        var six = load.Now;
        await load.EveryClientAsync();
        var down = load.Now;
        await Stack.ScaleAsync(2);
        await stack.NodesAsync(2);
        var two = load.Now;
        await load.EveryClientAsync();
        var update = load.Now;
        var before = await stack.NamesAsync();
        await Stack.UpdateAsync();
        await stack.NodesAsync(2);
        await load.EveryClientAsync();
        Assert.Empty(before.Intersect(await stack.NamesAsync()));

        var samples = await load.StopAsync();
        var joined = new FaultReport([.. samples.Where(sample => sample.Ended < down)], up);
        var left = new FaultReport([.. samples.Where(sample => sample.Sent > six && sample.Ended < update)], down);
        var updated = new FaultReport([.. samples.Where(sample => sample.Sent > two)], update);
        var homes = joined.After(six);
        joined.Note("docker service scale 3 → 6", homes.Count(client => client.Value != joined.Before[client.Key]));
        left.Note("docker service scale 6 → 2", left.Before.Count(client => !before.Contains(client.Value)));
        updated.Note("docker service update of 2 nodes", updated.Before.Count);
        joined.AssertNoFailure();
        left.AssertNoFailure();
        updated.AssertNoFailure();
        var old = joined.Before.Values.ToHashSet();
        Assert.All(homes, client => Assert.True(client.Value == joined.Before[client.Key] || !old.Contains(client.Value), "moved from one old node to another"));
        Assert.Empty(left.MovedNeedlessly([.. left.Before.Values.Distinct().Where(node => !before.Contains(node))]));
    }

    /// <summary>The deployed stack.</summary>
    private sealed class Stack : IAsyncDisposable
    {
        private const string Name = "kiro-test";
        private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };
        private bool _isOurSwarm;

        public int Port { get; } = FreePort.Next();

        public static async Task<Stack> DeployAsync(int nodes)
        {
            await Docker.NeedAsync();
            await Compose.BuildAsync();
            var stack = new Stack();
            try
            {
                if ((await Docker.RunAsync("info", "--format", "{{.Swarm.LocalNodeState}}")).Trim() == "inactive")
                {
                    await Docker.RunAsync("swarm", "init", "--advertise-addr", "127.0.0.1");
                    stack._isOurSwarm = true;
                }

                Report.WriteLine("$ docker stack deploy -c docker-stack.yml kiro");
                await Docker.RunAsync("docker", ["stack", "deploy", "--resolve-image", "never", "-c", "docker-stack.yml", Name], environment: new()
                {
                    ["BALANCER_PORT"] = stack.Port.ToString(CultureInfo.InvariantCulture),
                    ["KIRO_NODES"] = nodes.ToString(CultureInfo.InvariantCulture),
                    ["DRAIN_DELAY"] = "2",
                    // The load comes from this host through the Swarm's gateway bridge.
                    ["TRUSTED_PROXIES"] = "172.16.0.0/12",
                });
                await stack.NodesAsync(nodes);
                return stack;
            }
            catch
            {
                await stack.DisposeAsync();
                throw;
            }
        }

        public static Task<string> ScaleAsync(int nodes) => LoggedAsync("service", "scale", $"{Name}_api={nodes}");

        public static Task<string> UpdateAsync() => LoggedAsync("service", "update", "--force", "--update-delay", "1s", $"{Name}_api");

        /// <summary>Waits until exactly this many nodes are up.</summary>
        public Task NodesAsync(int count) => Eventually.BeTrue(async () => (await NamesAsync()).Count == count, $"{count} nodes are up");

        /// <summary>The nodes that are up.</summary>
        public async Task<IReadOnlySet<string>> NamesAsync()
        {
            var status = await _http.GetFromJsonAsync<JsonElement>($"http://127.0.0.1:{Port}/lb/status");
            return status.GetProperty("backends").EnumerateArray()
                .Where(node => node.GetProperty("state").GetString() == "up")
                .Select(node => node.GetProperty("node").GetString()!)
                .ToHashSet();
        }

        public async ValueTask DisposeAsync()
        {
            _http.Dispose();
            // Removal fails while a task that has just ended still holds the network.
            await Eventually.BeTrue(async () => (await Docker.RunAsync("stack", "rm", Name)) is not null, "the stack can be removed");
            await Eventually.BeTrue(async () => (await Docker.AddressesAsync($"com.docker.stack.namespace={Name}")).Count == 0, "the stack is gone");
            if (_isOurSwarm)
            {
                await Docker.RunAsync("swarm", "leave", "--force");
            }
        }

        private static Task<string> LoggedAsync(params string[] command)
        {
            Report.WriteLine($"$ docker {string.Join(' ', command)}");
            return Docker.RunAsync("docker", command, 300);
        }
    }
}
