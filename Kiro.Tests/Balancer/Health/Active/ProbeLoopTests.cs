using System.Collections.Concurrent;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Health.Active;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.Tests.Balancer.Health.Active;

public sealed class ProbeLoopTests : IAsyncDisposable
{
    private const string Good = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    private const string Bad = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    private readonly LoopTime _time = new(busy: Timeout);
    private readonly ConcurrentQueue<DateTimeOffset> _probes = [];
    private readonly BackendRegistry _registry;
    private readonly ProbeLoop _loop;
    private readonly Prober _prober;
    private readonly SocketServer _node;
    private string _answer = Good;

    public ProbeLoopTests()
    {
        var options = Settings.Read(HealthOptions.Read);
        _registry = Registries.Empty(_time);
        _prober = new Prober(options, new BackendTls(BackendTransportOptions.Default, TimeProvider.System), _time);
        _loop = new ProbeLoop(_registry, _prober, new ProbeSchedule(options), options, _time, NullLogger<ProbeLoop>.Instance);
        _node = new SocketServer(async (stream, stop) =>
        {
            await SocketServer.ReadHead(stream, stop);
            _probes.Enqueue(_time.GetUtcNow());
            await stream.WriteAsync(System.Text.Encoding.Latin1.GetBytes(_answer), stop);
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _loop.StopAsync(CancellationToken.None);
        _loop.Dispose();
        await _node.DisposeAsync();
    }

    [Fact]
    public async Task Execute_NewNode_IsProbedImmediatelyAndThenAtTheInterval()
    {
        await StartWithTheNodeUp();

        await _time.AdvanceUntil(() => _probes.Count == 3, 100);

        Assert.All(Gaps(), gap => Assert.InRange(gap, 27, 33.25));
    }

    [Fact]
    public async Task Execute_NodeFails_IsProbedOftenUntilItRecovers()
    {
        await StartWithTheNodeUp();
        _answer = Bad;
        await _time.AdvanceUntil(() => State() == BackendState.Down, 100);
        var down = _probes.Count;
        _answer = Good;

        await _time.AdvanceUntil(() => State() == BackendState.Up, 100);

        Assert.Equal(3, down);
        Assert.All(Gaps().Skip(1), gap => Assert.InRange(gap, 1.8, 2.5));
        Assert.Equal(5, _probes.Count);
    }

    [Fact]
    public async Task Execute_ConnectionFailed_ProbesImmediately()
    {
        await StartWithTheNodeUp();
        await _time.AdvanceBy(5);

        _registry.MarkDown(_registry.Current.Backends[0].Backend, "connection refused");

        // The clock stands still.
        await Eventually.BeTrue(() => _probes.Count == 2, "the probe");
        await _time.AdvanceUntil(() => State() == BackendState.Up, 100);
        Assert.Equal(3, _probes.Count);
    }

    [Fact]
    public async Task Execute_ConnectionsKeepFailing_ProbesAtMostFourTimesASecond()
    {
        await StartWithTheNodeUp();
        var backend = _registry.Find(Endpoint.Id);

        await _time.AdvanceUntil(
            () =>
            {
                backend.ProbeNow.Set();
                return _probes.Count == 8;
            }, 60, step: 0.05);

        Assert.Equal(8, _probes.Count);
        Assert.All(Gaps(), gap => Assert.True(gap >= 0.25, $"a gap of {gap} s"));
    }

    [Fact]
    public async Task Execute_OneNodeHangs_DoesNotDelayTheOthers()
    {
        await using var silent = new SocketServer((_, stop) => Task.Delay(-1, stop));
        _registry.SetMembers([new BackendEndpoint("127.0.0.1", silent.Port), Endpoint]);

        await _loop.StartAsync(TestContext.Current.CancellationToken);

        // The clock stands still, so no timeout helps.
        await Eventually.BeTrue(() => State() == BackendState.Up && silent.Connections == 1, "the good node is up");
        var other = _registry.Find($"127.0.0.1:{silent.Port}");
        Assert.Equal(BackendState.Starting, other.Health.State);
        _time.Advance(Timeout);
        await Eventually.BeTrue(() => other.Health.Error == "no response within 3 s", "the other's timeout");
    }

    [Fact]
    public async Task Execute_NodeIsRemoved_IsNoLongerProbed()
    {
        await StartWithTheNodeUp();
        _registry.MarkDown(_registry.Current.Backends[0].Backend, "connection refused");
        _registry.SetMembers([new BackendEndpoint("127.0.0.1", FreePort.Next())]);
        Assert.Single(_registry.Current.Backends);
        // A probe in progress may still arrive.
        await _time.AdvanceBy(1);
        var probes = _probes.Count;

        await _time.AdvanceBy(20);

        Assert.Equal(probes, _probes.Count);
    }

    [Fact]
    public async Task Execute_NodeJoinsLater_IsProbedImmediately()
    {
        _registry.SetMembers([new BackendEndpoint("127.0.0.1", FreePort.Next())]);
        await _loop.StartAsync(TestContext.Current.CancellationToken);

        _registry.SetMembers([Endpoint]);

        await Eventually.BeTrue(() => State() == BackendState.Up, "the new node is up");
    }

    private BackendEndpoint Endpoint => new("127.0.0.1", _node.Port);

    private BackendState State() => _registry.StateOf(Endpoint.Id);

    private async Task StartWithTheNodeUp()
    {
        _registry.SetMembers([Endpoint]);
        await _loop.StartAsync(TestContext.Current.CancellationToken);
        await Eventually.BeTrue(() => State() == BackendState.Up, "the first probe");
        Assert.Single(_probes);
    }

    private IEnumerable<double> Gaps() => _probes.Zip(_probes.Skip(1), (one, next) => (next - one).TotalSeconds);
}
