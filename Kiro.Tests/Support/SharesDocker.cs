namespace Kiro.Tests.Support;

/// <summary>Tests that share the one Docker daemon, and so run one after another. They mostly wait, so they start first, in parallel with other tests.</summary>
public static class SharesDocker
{
    public const string Name = "Containers and the database";
}
