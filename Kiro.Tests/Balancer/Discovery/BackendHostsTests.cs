using Kiro.Balancer.Backends;
using Kiro.Balancer.Discovery;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Discovery;

public sealed class BackendHostsTests
{
    [Theory]
    [InlineData("api-1:13004", "api-1:13004*1")]
    [InlineData("api-1:13004,api-2:13005", "api-1:13004*1 api-2:13005*1")]
    [InlineData(" api-1:13004 , api-2:13005*2 ,", "api-1:13004*1 api-2:13005*2")]
    [InlineData("api-1:1*0.25,10.0.0.1:65535*1000", "api-1:1*0.25 10.0.0.1:65535*1000")]
    [InlineData("[2001:DB8:0::1]:80,[::1]:80*3", "[2001:db8::1]:80*1 [::1]:80*3")]
    [InlineData("API-1.Example.org:80", "api-1.example.org:80*1")]
    [InlineData("api_1:80", "api_1:80*1")]
    public void Read_List_IsTheNodes(string value, string nodes) => Assert.Equal(
        nodes,
        string.Join(' ', Settings.Read(BackendHosts.Read, "BACKEND_HOSTS=" + value)!.Select(Text)));

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    public void Read_Empty_IsUnset(string value) => Assert.Null(Settings.Read(BackendHosts.Read, "BACKEND_HOSTS=" + value));

    [Theory]
    [InlineData("api-1", "api-1")]
    [InlineData("api-1:", "api-1:")]
    [InlineData(":80", ":80")]
    [InlineData("api-1:0", "api-1:0")]
    [InlineData("api-1:65536", "api-1:65536")]
    [InlineData("api-1:-1", "api-1:-1")]
    [InlineData("api-1:http", "api-1:http")]
    [InlineData("api-1: 80", "api-1: 80")]
    [InlineData("api 1:80", "api 1:80")]
    [InlineData("ftp://api-1:80", "ftp://api-1:80")]
    [InlineData("https://api-1:80:80", "https://api-1:80:80")]
    [InlineData("api-1:80:80", "api-1:80:80")]
    [InlineData("https://", "https://")]
    [InlineData("https://:443", "https://:443")]
    [InlineData("https://api-1:443/path", "https://api-1:443/path")]
    [InlineData("https://user@api-1:443", "https://user@api-1:443")]
    [InlineData("https://[2001:db8::1", "https://[2001:db8::1")]
    [InlineData("user@api-1:80", "user@api-1:80")]
    [InlineData("api-1:80/path", "api-1:80/path")]
    [InlineData("2001:db8::1:80", "2001:db8::1:80")]
    [InlineData("[2001:db8::1]", "[2001:db8::1]")]
    [InlineData("[2001:db8::g]:80", "[2001:db8::g]:80")]
    [InlineData("[api-1]:80", "[api-1]:80")]
    [InlineData("[10.0.0.1]:80", "[10.0.0.1]:80")]
    [InlineData("010.1.1.1:80", "010.1.1.1:80")]
    [InlineData("10.1:80", "10.1:80")]
    [InlineData("10.0.0.1:80;10.0.0.2:80", "10.0.0.1:80;10.0.0.2:80")]
    [InlineData("api-1:80,api-2:80*0", "api-2:80*0")]
    [InlineData("api-1:80*", "api-1:80*")]
    [InlineData("api-1:80*-1", "api-1:80*-1")]
    [InlineData("api-1:80*1001", "api-1:80*1001")]
    [InlineData("api-1:80*1e2", "api-1:80*1e2")]
    [InlineData("api-1:80*NaN", "api-1:80*NaN")]
    [InlineData("api-1:80*Infinity", "api-1:80*Infinity")]
    [InlineData("api-1:80*2*2", "api-1:80*2*2")]
    [InlineData("api-1:80 * 2", "api-1:80 * 2")]
    public void Read_InvalidPart_IsOneErrorThatNamesIt(string value, string part) => Assert.Equal(
        [$"BACKEND_HOSTS={value} is not valid: expected {BackendAddress.Expected}, separated by commas; {part} is not."],
        Settings.Refusals(BackendHosts.Read, "BACKEND_HOSTS=" + value));

    [Theory]
    [InlineData("api-1:80,api-1:80", "api-1:80")]
    [InlineData("api-1:80,API-1:80*2", "api-1:80")]
    [InlineData("[::1]:80,[0:0:0:0:0:0:0:1]:80", "[::1]:80")]
    [InlineData("api-1:80,https://api-1:80", "api-1:80")]
    public void Read_NodeTwice_IsOneError(string value, string node) => Assert.Equal(
        [$"BACKEND_HOSTS={value} is not valid: expected each node only once; {node} is listed twice."],
        Settings.Refusals(BackendHosts.Read, "BACKEND_HOSTS=" + value));

    [Fact]
    public void Read_OnlyCommas_IsOneError() => Assert.Equal(
        ["BACKEND_HOSTS=, , is not valid: expected at least one host:port."],
        Settings.Refusals(BackendHosts.Read, "BACKEND_HOSTS=, ,"));

    [Theory]
    [InlineData("https://api-1:8443", "api-1:8443", true)]
    [InlineData("HTTPS://api-1", "api-1:443", true)]
    [InlineData("https://api-1/", "api-1:443", true)]
    [InlineData("https://[2001:db8::1]", "[2001:db8::1]:443", true)]
    [InlineData("https://[2001:db8::1]:8443*2", "[2001:db8::1]:8443", true)]
    [InlineData("http://api-1", "api-1:80", false)]
    [InlineData("http://api-1:8080", "api-1:8080", false)]
    [InlineData("api-1:443", "api-1:443", false)]
    public void Read_Url_SetsTls(string value, string id, bool isTls)
    {
        var endpoint = Assert.Single(Settings.Read(BackendHosts.Read, "BACKEND_HOSTS=" + value)!);
        Assert.Equal((id, isTls), (endpoint.Id, endpoint.IsTls));
    }

    private static string Text(BackendEndpoint endpoint) => FormattableString.Invariant($"{endpoint.Id}*{endpoint.Weight}");
}
