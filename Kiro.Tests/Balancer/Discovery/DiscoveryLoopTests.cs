using System.Net.Sockets;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Discovery;
using Kiro.ServiceDefaults.Settings;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.Tests.Balancer.Discovery;

public sealed class DiscoveryLoopTests : IAsyncDisposable
{
    private readonly LoopTime _time = new();
    private readonly DiscoveryStatus _status = new();
    private readonly BackendRegistry _registry;
    private readonly ScriptedLookup _lookup;
    private DiscoveryLoop? _loop;

    public DiscoveryLoopTests()
    {
        _registry = Registries.Empty(_time);
        _lookup = new ScriptedLookup(_time);
        _lookup.AnswerWith(Registries.Endpoints(2));
    }

    public async ValueTask DisposeAsync()
    {
        await _loop!.StopAsync(CancellationToken.None);
        _loop.Dispose();
    }

    [Fact]
    public async Task Execute_Start_LooksUpImmediatelyAndThenAtTheInterval()
    {
        await Start();

        Assert.Equal(["api-1:80", "api-2:80"], _registry.Ids());
        Assert.True(await Calls(3));
        Assert.All(_lookup.Gaps(), gap => Assert.Equal(60, gap));
    }

    [Fact]
    public async Task Execute_NodesComeAndGo_AreApplied()
    {
        await Start();
        _lookup.AnswerWith(Registries.Endpoints(3)[1..]);

        await Calls(2);
        await Eventually.BeTrue(() => _registry.Ids() is ["api-2:80", "api-3:80"], "the new answer");
    }

    [Fact]
    public async Task Execute_LookupNowAfterAPause_IsImmediate()
    {
        await Start();
        await _time.AdvanceBy(10);

        _registry.LookupNow.Set();

        // The clock stands still.
        await Eventually.BeTrue(() => _lookup.Calls.Count == 2, "the lookup");
        Assert.Equal(10, _lookup.Gaps()[0]);
    }

    [Fact]
    public async Task Execute_LookupNowRepeatedly_KeepsFiveSecondsBetween()
    {
        await Start();

        Assert.True(await _time.AdvanceUntil(
            () =>
            {
                _registry.LookupNow.Set();
                return _lookup.Calls.Count == 5;
            }, 100));

        Assert.All(_lookup.Gaps(), gap => Assert.InRange(gap, 5, 10));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Execute_NoUsableResult_KeepsTheLastAndRetriesInFiveSeconds(bool empty)
    {
        await Start();
        _registry.SetAll(BackendVerdict.Up);
        if (empty)
        {
            _lookup.AnswerWith();
        }
        else
        {
            _lookup.Fail(new SocketException((int)SocketError.TryAgain));
        }

        Assert.True(await Calls(4));

        Assert.Equal(["api-1:80", "api-2:80"], _registry.Ids());
        Assert.All(_registry.Current.Backends, backend => Assert.Equal(BackendState.Up, backend.Health.State));
        Assert.StartsWith("Looking up api.test failed: " + (empty ? "no address" : ""), _status.Problem, StringComparison.Ordinal);
        Assert.Equal([5, 5], _lookup.Gaps().Skip(1));

        _lookup.AnswerWith(Registries.Endpoints(2));
        Assert.True(await _time.AdvanceUntil(() => _status.Problem is null, 10));
        var calls = _lookup.Calls.Count;
        await _time.AdvanceBy(40);
        Assert.Equal(calls, _lookup.Calls.Count);
    }

    [Fact]
    public async Task Execute_FirstLookupFails_StartsWithoutNodesAndRecovers()
    {
        _lookup.Fail(new SocketException((int)SocketError.HostNotFound));
        await Start();
        Assert.Empty(_registry.Current.Backends);
        Assert.NotNull(_status.Problem);

        await Calls(3);
        _lookup.AnswerWith(Registries.Endpoints(1));

        Assert.True(await _time.AdvanceUntil(() => _registry.Current.Backends.Count == 1, 10));
        Assert.True(await _time.AdvanceUntil(() => _status.Problem is null, 1));
    }

    [Theory]
    [InlineData(SocketError.HostNotFound, "the name does not exist")]
    [InlineData(SocketError.NoData, "the name does not exist")]
    [InlineData(SocketError.TryAgain, "no name server responds")]
    public async Task Execute_NameCannotBeResolved_IsReported(SocketError error, string words)
    {
        _lookup.Fail(new SocketException((int)error));

        await Start();

        Assert.Equal($"Looking up api.test failed: {words}", _status.Problem);
    }

    [Fact]
    public async Task Execute_LookupTimesOut_IsReported()
    {
        _lookup.Fail(new TimeoutException("The operation has timed out."));

        await Start();

        Assert.Equal("Looking up api.test failed: no response in time", _status.Problem);
    }

    [Fact]
    public async Task Execute_ShortInterval_IsKept()
    {
        await Start("DNS_INTERVAL=1");

        Assert.True(await Calls(5));

        Assert.All(_lookup.Gaps(), gap => Assert.InRange(gap, 1, 1.25));
    }

    [Fact]
    public async Task Execute_FixedList_IsReadOnceAndWithEveryReload()
    {
        var options = Settings.Read(settings => DiscoveryOptions.Read(settings, Settings.Of()));
        var live = new Reloadable<DiscoveryOptions>(options);
        var lookups = 0;
        _loop = new DiscoveryLoop(now => new FixedLookup(Interlocked.Increment(ref lookups) > 0 ? now.Fixed : []), live, _status, _registry, _time, NullLogger<DiscoveryLoop>.Instance);

        await _loop.StartAsync(TestContext.Current.CancellationToken);
        await Eventually.BeTrue(() => _registry.Current.Backends.Count == 5, "the list is read");
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(1, lookups);

        live.Set(options with { Fixed = [.. options.Fixed.Take(2)] });

        await Eventually.BeTrue(() => _registry.Current.Backends.Count == 2, "the shorter list is read");
        Assert.Equal(2, lookups);
    }

    [Fact]
    public async Task Execute_StopsDuringALookup_Ends()
    {
        _lookup.Answer = async stop =>
        {
            await Task.Delay(Timeout.Infinite, stop);
            return [];
        };
        await Start(settles: false);
        await Eventually.BeTrue(() => _lookup.Calls.Count == 1, "the lookup has begun");

        await _loop!.StopAsync(CancellationToken.None);

        Assert.True(_loop.ExecuteTask!.IsCompletedSuccessfully);
        Assert.Null(_status.Problem);
    }

    private async Task Start(string setting = "DNS_INTERVAL=60", bool settles = true)
    {
        var options = Settings.Read(settings => DiscoveryOptions.Read(settings, Settings.Of()), setting);
        _loop = new DiscoveryLoop(_ => _lookup, options, _status, _registry, _time, NullLogger<DiscoveryLoop>.Instance);
        await _loop.StartAsync(TestContext.Current.CancellationToken);
        if (settles)
        {
            await Eventually.BeTrue(() => _registry.Current.Backends.Count > 0 || _status.Problem is not null, "the first lookup");
        }
    }

    private Task<bool> Calls(int count) => _time.AdvanceUntil(() => _lookup.Calls.Count >= count, 200);
}
