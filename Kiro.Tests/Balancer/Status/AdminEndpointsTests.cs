using Kiro.Balancer.Backends;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Status;

public sealed class AdminEndpointsTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("Bearer ")]
    [InlineData("Bearer secret")]
    public async Task Post_NoTokenIsSet_Is404AndChangesNothing(string? authorization)
    {
        await using var balancer = await UnprobedBalancer.Start();

        using var response = await Post(balancer.Balancer, balancer.Id, "drain", authorization);

        Assert.Equal(404, (int)response.StatusCode);
        Assert.Equal(BackendState.Starting, balancer.Registry.StateOf(balancer.Id));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer wrong")]
    [InlineData("Bearer secre")]
    [InlineData("Bearer secrets")]
    [InlineData("Bearer SECRET")]
    [InlineData("Bearer ")]
    [InlineData("Bearer")]
    [InlineData("secret")]
    [InlineData("Basic secret")]
    public async Task Post_WrongToken_Is401AndChangesNothing(string? authorization)
    {
        await using var balancer = await UnprobedBalancer.Start("ADMIN_TOKEN=secret");

        using var response = await Post(balancer.Balancer, balancer.Id, "drain", authorization);

        Assert.Equal(401, (int)response.StatusCode);
        Assert.Equal("Bearer", response.Headers.WwwAuthenticate.ToString());
        Assert.Equal(BackendState.Starting, balancer.Registry.StateOf(balancer.Id));
    }

    [Theory]
    [InlineData(null, "Bearer secret")]
    [InlineData(null, "bearer secret")]
    [InlineData("api-2", "Bearer  secret ")]
    public async Task Post_DrainAndResume_ChangeTheNode(string? name, string authorization)
    {
        await using var balancer = await UnprobedBalancer.Start("ADMIN_TOKEN=secret");
        balancer.SetStates("up up up");
        balancer.Registry.Change(balancer.Registry.Find(balancer.Id), health => health with { Node = "api-2" });
        var idOrName = name ?? balancer.Id;

        Assert.Equal((200, $$"""{"id":"{{balancer.Id}}","state":"draining","error":null}"""), await Answer(balancer.Balancer, idOrName, "drain", authorization));
        Assert.Equal(BackendState.Draining, balancer.Registry.StateOf(balancer.Id));
        Assert.DoesNotContain(balancer.Id, balancer.Registry.Serving());
        // Twice is the same as once.
        Assert.Equal(200, (await Answer(balancer.Balancer, idOrName, "drain", authorization)).Code);

        Assert.Equal((200, $$"""{"id":"{{balancer.Id}}","state":"up","error":null}"""), await Answer(balancer.Balancer, idOrName, "resume", authorization));
        Assert.Contains(balancer.Id, balancer.Registry.Serving());
    }

    [Fact]
    public async Task Post_IPv6Node_IsFoundByItsId()
    {
        await using var balancer = await BalancerInProcess.Start("BACKEND_HOSTS=[2001:db8::1]:9", "ADMIN_TOKEN=secret");
        await Eventually.BeTrue(() => balancer.Registry.Current.Backends.Count == 1, "one node");

        var (code, _) = await Answer(balancer, "[2001:db8::1]:9", "drain", "Bearer secret");

        Assert.Equal(200, code);
        Assert.True(balancer.Registry.Find("[2001:db8::1]:9").Health.DrainReasons.HasFlag(DrainReasons.Operator));
    }

    [Fact]
    public async Task Post_UnknownNode_Is404ThatNamesIt()
    {
        await using var balancer = await UnprobedBalancer.Start("ADMIN_TOKEN=secret");

        Assert.Equal((404, """{"id":"api-9","state":null,"error":"no such node"}"""), await Answer(balancer.Balancer, "api-9", "drain", "Bearer secret"));
    }

    [Fact]
    public async Task Post_Resume_DoesNotUndoWhatTheNodeWants()
    {
        await using var balancer = await UnprobedBalancer.Start("ADMIN_TOKEN=secret");
        balancer.SetStates("up up up");
        balancer.Registry.Drain(balancer.Id, DrainReasons.Node);

        Assert.Contains("draining", (await Answer(balancer.Balancer, balancer.Id, "resume", "Bearer secret")).Body, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Body)> Answer(BalancerInProcess balancer, string id, string verb, string authorization)
    {
        using var response = await Post(balancer, id, verb, authorization);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private static async Task<HttpResponseMessage> Post(BalancerInProcess balancer, string id, string verb, string? authorization)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/lb/backends/{Uri.EscapeDataString(id)}/{verb}");
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        return await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
