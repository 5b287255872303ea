namespace Kiro.Tests.Support;

/// <summary>Tests that share the server, one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class SharesMariaDb : ICollectionFixture<MariaDb>
{
    public const string Name = "MariaDB";
}
