namespace Kiro.Tests.Containers;

/// <summary>Tests that start containers: after all others, and one at a time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class HoldsDocker
{
    public const string Name = "Containers";
}
