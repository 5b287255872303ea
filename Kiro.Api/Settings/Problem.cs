namespace Kiro.Api.Settings;

/// <summary>The body of every answer that is a refusal.</summary>
internal sealed record Problem(string Error)
{
    public static IResult Answer(int status, string error) =>
        Results.Json(new Problem(error), ApiJson.Default.Problem, statusCode: status);
}
