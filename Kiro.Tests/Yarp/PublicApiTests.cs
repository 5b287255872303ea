using Kiro.Tests.Support;
using Kiro.Yarp;

namespace Kiro.Tests.Yarp;

public sealed class PublicApiTests
{
    [Fact]
    public void PublicApi_OfThePackage_MatchesTheList() => PublicApi.AssertIsListed(typeof(ClientHashOptions).Assembly);
}
