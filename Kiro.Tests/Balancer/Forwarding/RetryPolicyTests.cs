using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Tests.Balancer.Forwarding;

public sealed class RetryPolicyTests
{
    private static readonly string[] Idempotent = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"];
    private static readonly string[] Others = ["POST", "PATCH", "CONNECT", "PROPFIND", "LOCK", "X-ANY", "get", "Put"];

    /// <summary>Every method, body and point of failure, and whether a retry is allowed.</summary>
    public static IEnumerable<TheoryDataRow<string, string, string, bool>> Table() =>
        from method in Idempotent.Concat(Others)
        from body in Enum.GetValues<RequestBody>()
        from point in Enum.GetValues<FailurePoint>()
        let isRepeatable = Idempotent.Contains(method) && body is RequestBody.Empty or RequestBody.Buffered && Idempotent.Contains(method)
        select new TheoryDataRow<string, string, string, bool>(
            method,
            body.ToString(),
            point.ToString(),
            point == FailurePoint.Connect || (point == FailurePoint.BeforeResponse && isRepeatable));

    [Theory]
    [MemberData(nameof(Table))]
    public void Allows_EveryCase_FollowsTheTable(string method, string body, string point, bool expected) =>
        Assert.Equal(expected, RetryPolicy.Allows(Enum.Parse<FailurePoint>(point), method, Enum.Parse<RequestBody>(body)));

    [Fact]
    public void Table_Whole_HasEveryCase() => Assert.Equal(14 * 3 * 7, Table().Count());
}
