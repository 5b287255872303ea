using Kiro.Balancer.Backends;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Faults;
using Kiro.Tests.Support;
using static Kiro.Tests.Balancer.Admin.AdminRequest;

namespace Kiro.Tests.Balancer.Admin;

public sealed class WeightEndpointTests
{
    [Theory]
    [InlineData("""{"weight":2.5}""")]
    [InlineData(""" { "weight" : 2.5 } """)]
    public async Task Post_Weight_ChangesTheShareAndSurvivesALookup(string body)
    {
        await using var balancer = await UnprobedBalancer.Start("ADMIN_TOKEN=secret");
        balancer.SetStates("up up up");

        Assert.Equal((200, $$"""{"id":"{{balancer.Id}}","state":"up","error":null}"""), await Order(balancer.Balancer, balancer.Id, "weight", "Bearer secret", body));

        balancer.Registry.SetMembers([.. balancer.Registry.Current.Backends.Select(known => new BackendEndpoint(known.Backend.Host, known.Backend.Port, 1))]);
        Assert.Equal(2.5 / 4.5, balancer.Registry.Current.Selector.Shares[1], 0.01);
        var status = (await balancer.Balancer.Status()).GetProperty("backends")[1];
        Assert.Equal((2.5, 2.5), (status.GetProperty("weight").GetDouble(), status.GetProperty("operatorWeight").GetDouble()));
    }

    [Fact]
    public async Task Post_WeightNull_GoesBackToDiscoverys()
    {
        await using var balancer = await UnprobedBalancer.Start("ADMIN_TOKEN=secret");
        var node = balancer.Registry.Find(balancer.Id);
        await Order(balancer.Balancer, balancer.Id, "weight", "Bearer secret", """{"weight":2.5}""");
        balancer.Registry.SetMembers([.. balancer.Registry.Current.Backends.Select(known => new BackendEndpoint(known.Backend.Host, known.Backend.Port, 3))]);
        Assert.Equal((2.5, 2.5), (node.Weight, node.OperatorWeight));

        Assert.Equal(200, (await Order(balancer.Balancer, balancer.Id, "weight", "Bearer secret", """{"weight":null}""")).Code);

        Assert.Equal((3, null), (node.Weight, node.OperatorWeight));
    }

    [Fact]
    public async Task Post_ThePresentWeight_IsKeptWhenDiscoveryComesToAnother()
    {
        await using var balancer = await UnprobedBalancer.Start("ADMIN_TOKEN=secret");
        await Order(balancer.Balancer, balancer.Id, "weight", "Bearer secret", """{"weight":1}""");

        balancer.Registry.SetMembers([.. balancer.Registry.Current.Backends.Select(known => new BackendEndpoint(known.Backend.Host, known.Backend.Port, 3))]);

        Assert.Equal(1, balancer.Registry.Find(balancer.Id).Weight);
    }

    [Theory]
    [InlineData("")]
    [InlineData("2")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"weight":0}""")]
    [InlineData("""{"weight":4.9e-324}""")]
    [InlineData("""{"weight":0.0099}""")]
    [InlineData("""{"weight":-1}""")]
    [InlineData("""{"weight":1000.5}""")]
    [InlineData("""{"weight":"2"}""")]
    [InlineData("""{"weight":1e999}""")]
    [InlineData("weight=2")]
    public async Task Post_WeightThatIsNone_Is400AndChangesNothing(string body)
    {
        await using var balancer = await UnprobedBalancer.Start("ADMIN_TOKEN=secret");

        var (code, answer) = await Order(balancer.Balancer, balancer.Id, "weight", "Bearer secret", body);

        Assert.Equal(400, code);
        Assert.Contains("a number from 0.01 to 1000", answer, StringComparison.Ordinal);
        Assert.Equal(1, balancer.Registry.Find(balancer.Id).Weight);
    }

    [Theory]
    [InlineData(null, 404)]
    [InlineData("Bearer wrong", 401)]
    public async Task Post_WeightWithoutTheToken_ChangesNothing(string? authorization, int code)
    {
        await using var balancer = await UnprobedBalancer.Start(authorization is null ? [] : ["ADMIN_TOKEN=secret"]);

        Assert.Equal(code, (await Order(balancer.Balancer, balancer.Id, "weight", authorization, """{"weight":2}""")).Code);
        Assert.Equal(1, balancer.Registry.Find(balancer.Id).Weight);
    }
}
