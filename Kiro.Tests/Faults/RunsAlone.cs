namespace Kiro.Tests.Faults;

/// <summary>Tests that a busy machine would fail, or that count what is of the whole test process: after all others, and one at a time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class RunsAlone
{
    public const string Name = "Alone";
}
