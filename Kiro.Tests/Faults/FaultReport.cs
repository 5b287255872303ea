using System.Globalization;

namespace Kiro.Tests.Faults;

/// <summary>What a fault did to the clients.</summary>
internal sealed class FaultReport
{
    private readonly IReadOnlyList<Answer> _answers;
    private readonly TimeSpan _fault;

    /// <param name="answers">Every response of the load.</param>
    /// <param name="fault">When the fault began.</param>
    public FaultReport(IReadOnlyList<Answer> answers, TimeSpan fault)
    {
        _answers = answers;
        _fault = fault;
        Before = Homes(answer => answer.Ended < fault);
    }

    public int Requests => _answers.Count;

    public IReadOnlyList<Answer> Failures => [.. _answers.Where(answer => answer.Failure is not null)];

    public int Successes => _answers.Count(answer => answer.Failure is null);

    /// <summary>Each client's node before the fault.</summary>
    public IReadOnlyDictionary<int, string> Before { get; }

    /// <summary>The longest time that a client was without a good answer.</summary>
    public TimeSpan LongestGap => _answers
        .Where(answer => answer.Failure is null)
        .GroupBy(answer => answer.Client)
        .SelectMany(client => client.Zip(client.Skip(1), (first, second) => second.Ended - first.Ended))
        .DefaultIfEmpty()
        .Max();

    /// <summary>The longest time in which nobody got a good answer.</summary>
    public TimeSpan LongestSilence => _answers.Where(answer => answer.Failure is null).Select(answer => answer.Ended).Order().ToList() is var ends
        ? ends.Zip(ends.Skip(1), (first, second) => second - first).DefaultIfEmpty().Max() : default;

    /// <summary>Clients that another node answered at some time after the fault.</summary>
    public IReadOnlyList<int> Moved => [.. _answers
        .Where(answer => answer.Sent > _fault && answer.Node is not null && Before.TryGetValue(answer.Client, out var home) && home != answer.Node)
        .Select(answer => answer.Client)
        .Distinct()];

    /// <summary>Those of them that did not have to: their node was none of these.</summary>
    public IReadOnlyList<int> MovedWithoutNeed(params string[] gone) => [.. Moved.Where(client => !gone.Contains(Before[client]))];

    /// <summary>Each client's latest node after a time.</summary>
    public IReadOnlyDictionary<int, string> After(TimeSpan time) => Homes(answer => answer.Sent > time);

    /// <summary>Notes the figures: as the test's output, and as a line of the file that <c>KIRO_REPORT</c> names.</summary>
    public void Note(string scenario, int hadToMove, string more = "")
    {
        var line = string.Create(CultureInfo.InvariantCulture,
            $"{scenario}: {Requests} requests, {Failures.Count} failed, longest gap of a client {LongestGap.TotalSeconds:0.00} s, {Moved.Count} clients moved, {hadToMove} had to{more}");
        TestContext.Current.TestOutputHelper?.WriteLine(line);
        if (Environment.GetEnvironmentVariable("KIRO_REPORT") is { Length: > 0 } file)
        {
            File.AppendAllLines(file, [line]);
        }
    }

    public void AssertNoFailure() =>
        Assert.True(Failures.Count == 0, $"{Failures.Count} of {Requests} failed after the fault at {_fault}, the first: {string.Join("; ", Failures.Take(3))}");

    private Dictionary<int, string> Homes(Func<Answer, bool> when) => _answers
        .Where(answer => answer.Node is not null && answer.Failure is null && when(answer))
        .GroupBy(answer => answer.Client)
        .ToDictionary(client => client.Key, client => client.Last().Node!);
}
