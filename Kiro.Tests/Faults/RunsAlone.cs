namespace Kiro.Tests.Faults;

/// <summary>Tests that load the whole machine run after all others, and one at a time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class RunsAlone
{
    public const string Name = "Faults";
}
