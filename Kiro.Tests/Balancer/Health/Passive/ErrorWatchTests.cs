using Kiro.Balancer.Backends;
using Kiro.Balancer.Health.Passive;
using Kiro.Balancer.Telemetry.Traffic;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Health.Passive;

public sealed class ErrorWatchTests
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Check_OneRespondsWithErrors_IsEjectedIfEnabled(bool isOn)
    {
        var registry = await RunAsync(isOn, nodes: 3, failing: 1);

        Assert.Equal(isOn ? BackendState.Down : BackendState.Up, registry.StateOf("api-1:80"));
        Assert.Equal(isOn ? "ejected for 10 s: 100 % of 40 responses in 10 s were errors (5xx)" : null, registry.Find("api-1:80").Health.Error);
        Assert.Equal(BackendState.Up, registry.StateOf("api-2:80"));
    }

    [Theory]
    [InlineData(4, 2, 2)]
    [InlineData(3, 3, 0)]
    [InlineData(1, 1, 0)]
    public async Task Check_SeveralRespondWithErrors_EjectsAtMostHalfAndNoneIfAllAreAlike(int nodes, int failing, int ejected)
    {
        var registry = await RunAsync(isOn: true, nodes, failing);

        Assert.InRange(registry.Current.Backends.Count(backend => backend.Health.EjectedUntil is not null), 0, ejected);
    }

    [Theory]
    [InlineData("EJECT_ERRORS=on", true)]
    [InlineData("EJECT_ERRORS=off", false)]
    [InlineData(null, false)]
    public void Read_Value_IsOnOrOff(string? pair, bool ejects) =>
        Assert.Equal(ejects, Settings.Read(ErrorWatchOptions.Read, pair is null ? [] : [pair]).Ejects);

    private async Task<BackendRegistry> RunAsync(bool isOn, int nodes, int failing)
    {
        var registry = Registries.Up(nodes, _time);
        using var traffic = new TrafficWatch(registry, new OwnResponses(), _time);
        var watch = new ErrorWatch(new ErrorWatchOptions(isOn), traffic, registry);
        await watch.StartAsync(TestContext.Current.CancellationToken);
        await traffic.StartAsync(TestContext.Current.CancellationToken);
        foreach (var (backend, place) in registry.Current.Backends.Select((backend, place) => (backend, place)))
        {
            for (var response = 0; response < 40; response++)
            {
                registry.Runtimes.Of(backend.Backend).Traffic.Record(place < failing ? 500 : 200, TimeSpan.FromMilliseconds(5), 0, 0);
            }
        }

        _time.Advance(TimeSpan.FromSeconds(1));
        return registry;
    }
}
