using System.Diagnostics;
using System.Net;
using Kiro.SideBySide.Backends;
using Kiro.SideBySide.Load;
using Kiro.SideBySide.Processes;
using Kiro.SideBySide.Proxies;

namespace Kiro.SideBySide.Measuring;

/// <summary>A started proxy.</summary>
internal sealed class RunningProxy : IDisposable
{
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(0.3);

    private readonly Proxy _proxy;
    private readonly PinnedProcess _process;
    private readonly Scenario _scenario;
    private readonly RequestBytes _requests;
    private readonly int? _rate;
    private readonly IPEndPoint _address;
    private readonly string _directory;

    /// <exception cref="InvalidOperationException">It does not start, or fails its check.</exception>
    public RunningProxy(Proxy proxy, ProxySite site, Scenario scenario, int rate, Cores cores)
    {
        (_proxy, _scenario, _directory) = (proxy, scenario, site.Directory);
        _rate = scenario.IsPaced ? rate : null;
        _requests = new RequestBytes(scenario.Exchange, ClientAddresses.Forward(scenario.Clients), scenario.ConnectsEachTime);
        _address = new IPEndPoint(IPAddress.Loopback, site.Port);
        Directory.CreateDirectory(site.Directory);
        _process = new PinnedProcess(proxy.Prepare(site), scenario.UsesAllCores ? null : cores.Measured, site.Directory);
        try
        {
            new ProxyCheck(_address, scenario.Clients, scenario.Kind).RunAsync(_process).GetAwaiter().GetResult();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Runs the load until requests do not become cheaper, or until the time limit.</summary>
    /// <returns>How long it took, and whether it completed before the limit.</returns>
    public (TimeSpan Took, bool IsOver) WarmUp(TimeSpan most)
    {
        var started = Stopwatch.GetTimestamp();
        var warmUp = new WarmUp();
        while (!warmUp.IsOver && Stopwatch.GetElapsedTime(started) < most)
        {
            var before = Compiling();
            var cost = Measure(Plan(rate: null, Measuring.WarmUp.Slice)).ProcessorMicroseconds;
            var now = Compiling();
            // .NET ends the idle compiler thread and starts another one later.
            warmUp.Add(cost, now >= before ? now - before : now);
        }

        return (Stopwatch.GetElapsedTime(started), warmUp.IsOver);
    }

    public Measurement Measure(TimeSpan window) => Measure(Plan(_rate, window) with
    {
        Idle = ClientAddresses.Sources(_scenario.IdleConnections, _scenario.Clients),
        SlowReaders = ClientAddresses.Sources(_scenario.SlowReaders, _scenario.Clients),
        SlowRequest = new RequestBytes(BackendFiles.Megabyte, []).Next(),
    });

    public void Dispose() => _process.Dispose();

    private Measurement Measure(LoadPlan plan)
    {
        _process.ThrowIfEnded();
        var tree = new ProcessTree(_process.Id);
        tree.ForgetPeak();
        TimeSpan? before = null;
        var used = TimeSpan.Zero;
        long memory = 0;
        var load = Load(plan, () =>
        {
            if (before is null)
            {
                before = tree.ProcessorTime();
                return;
            }

            used = tree.ProcessorTime() - before.Value;
            memory = tree.ProportionalMemory();
        });
        return load.Responses > 0
            ? new Measurement(load, used, tree.PeakMemory(), memory)
            : throw new InvalidOperationException($"no response within {plan.Window.TotalSeconds} s, {load.Errors}");
    }

    private LoadResult Load(LoadPlan plan, Action onWindow) => _scenario.Kind switch
    {
        LoadKind.Plain => LoadRun.Run(plan, onWindow),
        LoadKind.NewHandshakes or LoadKind.ResumedHandshakes => new HandshakeLoad(plan, _scenario.Kind == LoadKind.ResumedHandshakes).Run(onWindow),
        _ => new H2Load(plan, _scenario, _directory).Run(onWindow),
    };

    private TimeSpan Compiling() => _proxy.CompilerThread is { } thread ? ThreadTime.Of(_process.Id, thread) : TimeSpan.Zero;

    private LoadPlan Plan(int? rate, TimeSpan window) => new(
        _address, ClientAddresses.Sources(_scenario.Connections, _scenario.Clients), _requests, _scenario.Exchange.ResponseBody, rate, Settle, window);
}
