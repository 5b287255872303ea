namespace Kiro.Tests.Support;

/// <summary>Tests that share the Docker daemon and so run one after another. They mostly wait, so they start first, beside all others.</summary>
public static class SharesDocker
{
    public const string Name = "Containers and the database";
}
