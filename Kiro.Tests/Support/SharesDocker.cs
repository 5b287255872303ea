namespace Kiro.Tests.Support;

/// <summary>
/// Tests that share the Docker daemon and so run one after another. Not beside browsers: these abort what they load when a
/// network of Docker comes or goes (<c>ERR_NETWORK_CHANGED</c>).
/// </summary>
public static class SharesDocker
{
    public const string Name = "Containers and the database";
}
