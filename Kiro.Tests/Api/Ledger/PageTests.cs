using Kiro.Api.Ledger;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Kiro.Tests.Api.Ledger;

public sealed class PageTests
{
    [Theory]
    [InlineData("", 100, 0)]
    [InlineData("?limit=5&offset=10", 5, 10)]
    [InlineData("?limit=", 100, 0)]
    public void Read_ValidQuery_IsAPage(string query, int limit, int offset) =>
        Assert.Equal(new Page(limit, offset), Page.Read(Query(query), out _));

    [Theory]
    [InlineData("?limit=0", "limit must be a whole number from 1 to 1000.")]
    [InlineData("?limit=1001", "limit must be a whole number from 1 to 1000.")]
    [InlineData("?offset=-1", "offset must be a whole number from 0 to 2147483647.")]
    [InlineData("?offset=1%20OR%201", "offset must be a whole number from 0 to 2147483647.")]
    public void Read_InvalidQuery_NamesTheAllowedValues(string query, string error)
    {
        Assert.Null(Page.Read(Query(query), out var message));
        Assert.Equal(error, message);
    }

    private static QueryCollection Query(string query) => new(QueryHelpers.ParseQuery(query));
}
