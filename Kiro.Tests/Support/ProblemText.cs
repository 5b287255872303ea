namespace Kiro.Tests.Support;

/// <summary>The body of an error that the balancer itself answers, byte for byte.</summary>
internal static class ProblemText
{
    public static string Of(int status, string title, string detail) =>
        $$"""{"type":"about:blank","title":"{{title}}","status":{{status}},"detail":"{{detail}}","error":"{{detail}}"}""";
}
