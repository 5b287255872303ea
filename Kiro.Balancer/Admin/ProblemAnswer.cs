namespace Kiro.Balancer.Admin;

/// <summary>Why there is no answer, in one line.</summary>
internal sealed record ProblemAnswer(string Error)
{
    public static IResult Of(int status, string error) =>
        Results.Json(new ProblemAnswer(error), StatusJson.Default.ProblemAnswer, statusCode: status);
}
