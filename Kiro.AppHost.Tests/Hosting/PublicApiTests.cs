using Kiro.Tests.Support;

namespace Kiro.AppHost.Tests.Hosting;

public sealed class PublicApiTests
{
    [Fact]
    public void Api_OfThePackage_IsTheListedOne() => PublicApi.AssertIsListed(typeof(KiroBalancerResource).Assembly);
}
