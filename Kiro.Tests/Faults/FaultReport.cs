using System.Globalization;
using Kiro.Tests.Support;

namespace Kiro.Tests.Faults;

/// <summary>The effect of a fault on the clients.</summary>
internal sealed class FaultReport
{
    private readonly IReadOnlyList<Sample> _samples;
    private readonly TimeSpan _fault;

    /// <param name="samples">Every request of the load.</param>
    /// <param name="fault">When the fault began.</param>
    public FaultReport(IReadOnlyList<Sample> samples, TimeSpan fault)
    {
        _samples = samples;
        _fault = fault;
        Before = Homes(sample => sample.Ended < fault);
    }

    public int Requests => _samples.Count;

    public IReadOnlyList<Sample> Failures => [.. _samples.Where(sample => sample.Failure is not null)];

    public int Successes => _samples.Count(sample => sample.Failure is null);

    /// <summary>Each client's node before the fault.</summary>
    public IReadOnlyDictionary<int, string> Before { get; }

    /// <summary>The longest time between two successful responses to the same client.</summary>
    public TimeSpan LongestGap => _samples
        .Where(sample => sample.Failure is null)
        .GroupBy(sample => sample.Client)
        .SelectMany(client => client.Zip(client.Skip(1), (first, second) => second.Ended - first.Ended))
        .DefaultIfEmpty()
        .Max();

    /// <summary>The longest time without any successful response.</summary>
    public TimeSpan LongestSilence => _samples.Where(sample => sample.Failure is null).Select(sample => sample.Ended).Order().ToList() is var ends
        ? ends.Zip(ends.Skip(1), (first, second) => second - first).DefaultIfEmpty().Max() : default;

    /// <summary>Clients served by another node at some time after the fault.</summary>
    public IReadOnlyList<int> Moved => [.. _samples
        .Where(sample => sample.Sent > _fault && sample.Node is not null && Before.TryGetValue(sample.Client, out var home) && home != sample.Node)
        .Select(sample => sample.Client)
        .Distinct()];

    /// <summary>Those of them whose own node was not one of these.</summary>
    public IReadOnlyList<int> MovedNeedlessly(params string[] gone) => [.. Moved.Where(client => !gone.Contains(Before[client]))];

    /// <summary>Each client's last node, of requests sent after this time.</summary>
    public IReadOnlyDictionary<int, string> After(TimeSpan time) => Homes(sample => sample.Sent > time);

    /// <summary>Writes the figures to the test output and to the file named by <c>KIRO_REPORT</c>.</summary>
    public void Note(string scenario, int hadToMove, string more = "")
    {
        Report.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{scenario}: {Requests} requests, {Failures.Count} failed, longest gap per client {LongestGap.TotalSeconds:0.00} s, {Moved.Count} clients moved, {hadToMove} had to{more}"));
    }

    public void AssertNoFailure() =>
        Assert.True(Failures.Count == 0, $"{Failures.Count} of {Requests} failed after the fault at {_fault}, the first: {string.Join("; ", Failures.Take(3))}");

    private Dictionary<int, string> Homes(Func<Sample, bool> when) => _samples
        .Where(sample => sample.Node is not null && sample.Failure is null && when(sample))
        .GroupBy(sample => sample.Client)
        .ToDictionary(client => client.Key, client => client.Last().Node!);
}
