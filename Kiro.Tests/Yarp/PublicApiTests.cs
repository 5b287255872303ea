using Kiro.Tests.Support;
using Kiro.Yarp;

namespace Kiro.Tests.Yarp;

public sealed class PublicApiTests
{
    [Fact]
    public void Api_OfThePackage_IsTheListedOne() => PublicApi.AssertIsListed(typeof(ClientHashOptions).Assembly);
}
