using Kiro.Tests.Support;

namespace Kiro.AppHost.Tests.Hosting;

public sealed class PublicApiTests
{
    [Fact]
    public void PublicApi_OfThePackage_MatchesTheList() => PublicApi.AssertIsListed(typeof(KiroBalancerResource).Assembly);
}
