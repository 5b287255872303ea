using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Backends;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Balancer.Selection;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Kiro.Tests.Balancer.Admin.Moves;

public sealed class WhatIfQuestionTests
{
    [Theory]
    [InlineData("", "ask one of")]
    [InlineData("colour=red", "ask one of")]
    [InlineData("nodes=3&leave=api-1:80", "ask one of")]
    [InlineData("nodes=3&nodes=4", "ask one of")]
    [InlineData("weight=api-1:80", "ask one of")]
    [InlineData("nodes=", "nodes must be")]
    [InlineData("nodes=0", "nodes must be")]
    [InlineData("nodes=1001", "nodes must be")]
    [InlineData("nodes=-1", "nodes must be")]
    [InlineData("nodes=2.5", "nodes must be")]
    [InlineData("nodes=99999999999", "nodes must be")]
    [InlineData("leave=", "no such node: ")]
    [InlineData("leave=api-9:80", "no such node: api-9:80")]
    [InlineData("leave=api-1:80,api-9:80", "no such node: api-9:80")]
    [InlineData("leave=a%0D%0Ab", "no such node: ab")]
    [InlineData("weight=api-9:80*2", "no such node: api-9:80")]
    [InlineData("weight=api-1:80*0", "the weight must be")]
    [InlineData("weight=api-1:80*1001", "the weight must be")]
    [InlineData("weight=api-1:80*NaN", "the weight must be")]
    [InlineData("weight=api-1:80*-1", "the weight must be")]
    [InlineData("weight=api-1:80*", "the weight must be")]
    public void Read_NoQuestion_SaysWhatIsWrongInOneLine(string query, string problem)
    {
        var (question, text) = Read(query);

        Assert.Null(question);
        Assert.StartsWith(problem, text, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', text!);
    }

    [Fact]
    public void Read_EndlessName_IsShortened() => Assert.InRange(Read("leave=" + new string('x', 5000)).Problem!.Length, 60, 100);

    [Fact]
    public void Read_Questions_AreUnderstood()
    {
        Assert.Equal(10, Read("nodes=10").Question!.Nodes);
        Assert.Equal(["api-1:80", "api-2:80"], Read("leave=api-1:80,%20api-2:80").Question!.Leaving!.Select(node => node.Id));
        Assert.Equal(("api-2:80", 2.5), Read("weight=api-2:80*2.5").Question!.Weight is var (node, weight) ? (node.Id, weight) : default);
    }

    [Theory]
    [InlineData("leave=same")]
    [InlineData("weight=same*2")]
    public void Read_ANameOfTwoNodes_NamesTheirIds(string query)
    {
        var registry = Registries.Up(2);
        foreach (var id in registry.Ids())
        {
            registry.Name(id, "same");
        }

        Assert.Equal("several nodes are called same, use an id instead: api-1:80, api-2:80", Read(query, registry).Problem);
        Assert.NotNull(Read(query.Replace("same", "api-1:80", StringComparison.Ordinal), registry).Question);
    }

    private static (WhatIfQuestion? Question, string? Problem) Read(string query, BackendRegistry? registry = null) =>
        WhatIfQuestion.Read(new QueryCollection(QueryHelpers.ParseQuery(query)), (registry ?? Registries.Up(2)).Current);
}
