using System.Text;
using Kiro.Balancer.Health.Active;

namespace Kiro.Tests.Balancer.Health.Active;

public sealed class HealthResponseTests
{
    [Theory]
    [InlineData("""{"status":"ok","node":"api-3"}""", "ok", "api-3")]
    [InlineData("""{"status":"draining"}""", "draining", null)]
    [InlineData("""{"node":"api-3","extra":{"deep":[1,2]}}""", null, "api-3")]
    [InlineData("""{"status":5,"node":["api-3"]}""", null, null)]
    [InlineData("""{"status":"","node":""}""", null, null)]
    [InlineData("""{"STATUS":"ok"}""", null, null)]
    [InlineData("""["status"]""", null, null)]
    [InlineData("\"draining\"", null, null)]
    [InlineData("null", null, null)]
    [InlineData("", null, null)]
    [InlineData("OK", null, null)]
    [InlineData("""{"status":"ok",""", null, null)]
    [InlineData("""{"status":"ok"} trailing""", null, null)]
    [InlineData("""{"status":"ok","node":"\ud800"}""", null, null)]
    [InlineData("""{"\ud800":1,"status":"ok"}""", null, null)]
    [InlineData("""{"status":"\u001b","node":"\u001b[31mapi\u202e-3\u0007"}""", null, "[31mapi-3")]
    public void Parse_Body_ReadsWhatIsValid(string body, string? status, string? node) =>
        Assert.Equal(new HealthResponse(status, node), HealthResponse.Parse(Encoding.UTF8.GetBytes(body)));

    [Theory]
    [InlineData("""{"status":"degraded","reason":"database unavailable: Access denied","database":"down"}""", "database unavailable: Access denied")]
    [InlineData("""{"status":"degraded","database":"down"}""", "its database is unavailable")]
    [InlineData("""{"status":"degraded"}""", "it gives no reason")]
    [InlineData("""{"status":"ok","reason":"nothing"}""", null)]
    [InlineData("""{"status":"ok","database":"down"}""", null)]
    public void Parse_Degraded_GivesTheReason(string body, string? reason) =>
        Assert.Equal(reason, HealthResponse.Parse(Encoding.UTF8.GetBytes(body)).Degradation);

    [Fact]
    public void Parse_InvalidUtf8_IsEmpty() =>
        Assert.Equal(default, HealthResponse.Parse((byte[])[.. "{\"node\":\""u8, 0xFF, 0xFE, .. "\"}"u8]));

    [Fact]
    public void Parse_VeryLongName_IsIgnored() =>
        Assert.Null(HealthResponse.Parse(Encoding.UTF8.GetBytes($$"""{"node":"{{new string('x', 101)}}"}""")).Node);

    [Fact]
    public void Parse_DeeplyNested_IsEmpty() =>
        Assert.Equal(default, HealthResponse.Parse(Encoding.UTF8.GetBytes(new string('[', 10_000))));
}
