using System.Text.Json;
using Kiro.Balancer.Backends;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Faults;
using Kiro.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using static Kiro.Tests.Balancer.Admin.AdminRequest;

namespace Kiro.Tests.Balancer.Admin;

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

    [Fact]
    public async Task Post_WrongTokensInARow_Are429AndToldOnTheStatus()
    {
        await using var balancer = await UnprobedBalancer.Start("ADMIN_TOKEN=secret");
        var codes = new List<int>();
        for (var guess = 0; guess < 30; guess++)
        {
            using var response = await Post(balancer.Balancer, balancer.Id, "drain", $"Bearer {guess}");
            codes.Add((int)response.StatusCode);
        }

        Assert.All(codes[..10], code => Assert.Equal(401, code));
        // Another one may have recovered meanwhile.
        Assert.InRange(codes.Count(code => code == 429), 15, 20);
        using var right = await Post(balancer.Balancer, balancer.Id, "drain", "Bearer secret");
        Assert.Equal(429, (int)right.StatusCode);
        Assert.InRange(right.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 10);
        Assert.Equal(BackendState.Starting, balancer.Registry.StateOf(balancer.Id));
        var tokens = (await balancer.Balancer.Status()).GetProperty("limits").GetProperty("adminTokens");
        Assert.InRange(tokens.GetProperty("wrong").GetInt32(), 10, 15);
        Assert.InRange(tokens.GetProperty("refused").GetInt32(), 16, 21);
    }

    [Theory]
    [InlineData(null, "Bearer secret")]
    [InlineData(null, "bearer secret")]
    [InlineData("api-2", "Bearer  secret ")]
    public async Task Post_DrainAndResume_ChangeTheNode(string? name, string authorization)
    {
        await using var balancer = await UnprobedBalancer.Start("ADMIN_TOKEN=secret");
        balancer.SetStates("up up up");
        balancer.Registry.Name(balancer.Id, "api-2");
        var idOrName = name ?? balancer.Id;

        Assert.Equal((200, $$"""{"id":"{{balancer.Id}}","state":"draining","error":null}"""), await Order(balancer.Balancer, idOrName, "drain", authorization));
        Assert.Equal(BackendState.Draining, balancer.Registry.StateOf(balancer.Id));
        Assert.DoesNotContain(balancer.Id, balancer.Registry.Serving());
        // Idempotent.
        Assert.Equal(200, (await Order(balancer.Balancer, idOrName, "drain", authorization)).Code);

        Assert.Equal((200, $$"""{"id":"{{balancer.Id}}","state":"up","error":null}"""), await Order(balancer.Balancer, idOrName, "resume", authorization));
        Assert.Contains(balancer.Id, balancer.Registry.Serving());
    }

    [Theory]
    [InlineData("drain", true, true)]
    [InlineData("drain?timeout=600", true, true)]
    [InlineData("evacuate", true, false)]
    [InlineData("drain", false, false)]
    [InlineData("drain?timeout=600", false, false)]
    [InlineData("evacuate", false, false)]
    public async Task Post_BothKindsOfDrain_LetSessionsEndOnlyWhereTheyStay(string order, bool sessionsStay, bool letsThemEnd)
    {
        await using var balancer = await UnprobedBalancer.Start("ADMIN_TOKEN=secret", $"SESSION_IDLE={(sessionsStay ? 60 : 0)}");
        balancer.SetStates("up up up");
        var chooser = balancer.Balancer.App.Services.GetRequiredService<BackendChooser>();
        var slots = Enumerable.Range(0, 30).Where(slot => chooser.First(slot)!.Value.Backend.Id == balancer.Id).ToList();
        Assert.NotEmpty(slots);

        var (code, answer) = await Order(balancer.Balancer, balancer.Id, order, "Bearer secret");

        var sessions = sessionsStay ? $",\"sessions\":{(letsThemEnd ? slots.Count : 0)}" : "";
        Assert.Equal((200, $$"""{"id":"{{balancer.Id}}","state":"draining","error":null{{sessions}}}"""), (code, answer));
        Assert.All(slots, slot => Assert.Equal(letsThemEnd, chooser.First(slot)!.Value.Backend.Id == balancer.Id));
        var node = (await balancer.Balancer.Status()).GetProperty("backends").EnumerateArray().Single(node => node.GetProperty("id").GetString() == balancer.Id);
        Assert.True(node.GetProperty("drainedByOperator").GetBoolean());
        Assert.Equal(letsThemEnd, node.GetProperty("letsSessionsEnd").GetBoolean());
        Assert.Equal(letsThemEnd && order.Contains('=', StringComparison.Ordinal), node.GetProperty("sessionsUntil").ValueKind == JsonValueKind.String);
    }

    [Theory]
    [InlineData("0", 200)]
    [InlineData("86400", 200)]
    [InlineData("0.5", 200)]
    [InlineData("", 400)]
    [InlineData("soon", 400)]
    [InlineData("-1", 400)]
    [InlineData("86401", 400)]
    [InlineData("NaN", 400)]
    public async Task Post_DrainWithATimeout_TakesSecondsOnly(string timeout, int status)
    {
        await using var balancer = await UnprobedBalancer.Start("ADMIN_TOKEN=secret", "SESSION_IDLE=60");

        var (code, answer) = await Order(balancer.Balancer, balancer.Id, "drain?timeout=" + timeout, "Bearer secret");

        Assert.Equal(status, code);
        Assert.True(status == 200 || answer == ProblemText.Of(400, "Bad Request", "timeout must be a number of seconds from 0 to 86400"), answer);
    }

    [Fact]
    public async Task Post_IPv6Node_IsFoundByItsId()
    {
        await using var balancer = await BalancerInProcess.Start("BACKEND_HOSTS=[2001:db8::1]:9", "ADMIN_TOKEN=secret");
        await Eventually.BeTrue(() => balancer.Registry.Current.Backends.Count == 1, "one node");

        var (code, _) = await Order(balancer, "[2001:db8::1]:9", "drain", "Bearer secret");

        Assert.Equal(200, code);
        Assert.True(balancer.Registry.Find("[2001:db8::1]:9").Health.DrainReasons.HasFlag(DrainReasons.Operator));
    }

    [Fact]
    public async Task Post_UnknownNode_Is404ThatNamesIt()
    {
        await using var balancer = await UnprobedBalancer.Start("ADMIN_TOKEN=secret");

        Assert.Equal((404, ProblemText.Of(404, "Not Found", "no such node: api-9")), await Order(balancer.Balancer, "api-9", "drain", "Bearer secret"));
    }

    [Theory]
    [InlineData("drain", null)]
    [InlineData("weight", """{"weight":2}""")]
    public async Task Post_NameOfTwoNodes_Is409ThatNamesTheirIdsAndChangesNothing(string verb, string? body)
    {
        await using var balancer = await UnprobedBalancer.Start("ADMIN_TOKEN=secret");
        balancer.SetStates("up up up");
        var ids = balancer.Registry.Ids().Take(2).ToArray();
        foreach (var id in ids)
        {
            balancer.Registry.Name(id, "same");
        }

        var (code, answer) = await Order(balancer.Balancer, "same", verb, "Bearer secret", body);

        Assert.Equal((409, ProblemText.Of(409, "Conflict", $"several nodes are called same, use an id instead: {ids[0]}, {ids[1]}")), (code, answer));
        Assert.All(balancer.Registry.Current.Backends, node => Assert.Equal((BackendState.Up, 1), (node.Health.State, node.Weight)));
        Assert.Equal(200, (await Order(balancer.Balancer, ids[0], verb, "Bearer secret", body)).Code);
    }

    [Fact]
    public async Task Post_Resume_DoesNotUndoWhatTheNodeWants()
    {
        await using var balancer = await UnprobedBalancer.Start("ADMIN_TOKEN=secret");
        balancer.SetStates("up up up");
        balancer.Registry.SayDraining(balancer.Id);

        Assert.Contains("draining", (await Order(balancer.Balancer, balancer.Id, "resume", "Bearer secret")).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Bearer secret", 204)]
    [InlineData("Bearer wrong", 401)]
    [InlineData(null, 401)]
    public async Task Get_Admin_TellsWhetherItIsTheToken(string? authorization, int code)
    {
        await using var balancer = await BalancerInProcess.Start("ADMIN_TOKEN=secret");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/lb/admin");
        request.Headers.TryAddWithoutValidation("Authorization", authorization);

        using var response = await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(code, (int)response.StatusCode);
    }
}
