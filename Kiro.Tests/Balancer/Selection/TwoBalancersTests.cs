using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Selection;

public sealed class TwoBalancersTests
{
    [Fact]
    public async Task Status_TwoProcessesNodesInDifferentOrder_AgreeOnEveryClient()
    {
        // Nothing listens there: nodes that are down keep their rank.
        var nodes = Enumerable.Range(1, 7).Select(node => $"127.0.0.{node}:9").Append("127.0.0.1:1*2").ToArray();
        await using var one = new RunningBalancer(nodes);
        await using var other = new RunningBalancer([.. nodes[3..].Reverse(), .. nodes[..3]]);
        var clients = Enumerable.Range(0, 100).SelectMany(client => new[] { $"198.51.100.{client}", $"2001:db8:1:{client + 1:x}::1" }).ToList();

        var (first, second) = (await one.NodesOf(clients), await other.NodesOf(clients));

        Assert.Equal(first, second);
        Assert.Equal(nodes.Length, first.Values.Distinct().Count());
    }

    private sealed class RunningBalancer : IAsyncDisposable
    {
        private readonly ServiceProcess _process;
        private readonly HttpClient _http;

        public RunningBalancer(IEnumerable<string> nodes)
        {
            var port = FreePort.Next();
            _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
            _process = new ServiceProcess("Kiro.Balancer", new Dictionary<string, string>
            {
                ["BALANCER_PORT"] = $"{port}",
                ["BACKEND_HOSTS"] = string.Join(',', nodes),
            });
        }

        public async Task<Dictionary<string, string>> NodesOf(IEnumerable<string> clients)
        {
            await Eventually.BeTrue(
                async () => (await _http.GetFromJsonAsync<JsonElement>("/lb/status")).GetProperty("backends").GetArrayLength() > 0,
                $"a balancer that knows its nodes; {_process.Output}");
            var nodes = new Dictionary<string, string>();
            foreach (var client in clients)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, "/lb/status") { Headers = { { "X-Forwarded-For", client } } };
                using var response = await _http.SendAsync(request);
                var status = await response.Content.ReadFromJsonAsync<JsonElement>();
                Assert.Equal(client, status.GetProperty("client").GetProperty("ip").GetString());
                nodes[client] = status.GetProperty("client").GetProperty("backend").GetString()!;
            }

            return nodes;
        }

        public async ValueTask DisposeAsync()
        {
            _http.Dispose();
            await _process.DisposeAsync();
        }
    }
}
