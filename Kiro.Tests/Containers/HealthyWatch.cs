using System.Net.Sockets;
using Kiro.Tests.Faults;
using Kiro.Tests.Support;

namespace Kiro.Tests.Containers;

/// <summary>Notes when new nodes first call themselves healthy, asking each of them directly and often.</summary>
internal sealed class HealthyWatch
{
    private readonly Dictionary<string, TimeSpan> _healthy = [];
    private readonly Task _watching;
    private readonly HashSet<string> _old;
    private volatile int _wanted = int.MaxValue;

    /// <param name="load">Whose clock counts.</param>
    /// <param name="old">The nodes that are there already.</param>
    public HealthyWatch(Load load, IEnumerable<string> old)
    {
        _old = [.. old];
        _watching = Task.Run(() => WatchAsync(load));
    }

    /// <summary>When each of the new nodes was healthy first, once so many of them are.</summary>
    public async Task<IReadOnlyDictionary<string, TimeSpan>> HealthyAsync(int nodes)
    {
        _wanted = nodes;
        await _watching.WaitAsync(TimeSpan.FromSeconds(Eventually.Patience), TestContext.Current.CancellationToken);
        return _healthy;
    }

    private async Task WatchAsync(Load load)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        for (var round = 0; round < 600 && _healthy.Count < _wanted; round++)
        {
            var starting = (await Compose.NodesAsync()).Where(node => node.Value.Length > 0 && !_old.Contains(node.Key) && !_healthy.ContainsKey(node.Key));
            foreach (var (node, healthy) in await Task.WhenAll(starting.Select(node => AskAsync(http, node))))
            {
                if (healthy)
                {
                    _healthy.Add(node, load.Now);
                }
            }

            await Task.Delay(100);
        }
    }

    private static async Task<(string Node, bool Healthy)> AskAsync(HttpClient http, KeyValuePair<string, string> node)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri($"http://{node.Value}:13004/health"));
            return (node.Key, answer.IsSuccessStatusCode);
        }
        catch (Exception problem) when (problem is HttpRequestException or OperationCanceledException or SocketException)
        {
            return (node.Key, false);
        }
    }
}
