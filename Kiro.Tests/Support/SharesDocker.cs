namespace Kiro.Tests.Support;

/// <summary>Tests that take turns with the one Docker daemon. They wait more than they work, so they begin first and run beside all others.</summary>
public static class SharesDocker
{
    public const string Name = "Containers and the database";
}
