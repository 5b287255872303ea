namespace Kiro.Tests.Support;

/// <summary>The exact body of an error response of the balancer.</summary>
internal static class ProblemText
{
    public static string Of(int status, string title, string detail) =>
        $$"""{"type":"about:blank","title":"{{title}}","status":{{status}},"detail":"{{detail}}","error":"{{detail}}"}""";
}
