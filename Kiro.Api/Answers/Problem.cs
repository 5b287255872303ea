namespace Kiro.Api.Answers;

/// <summary>The body of every answer that is a refusal.</summary>
internal sealed record Problem(string Error)
{
    public static IResult Answer(int status, string error) =>
        Results.Json(new Problem(error), statusCode: status);

    /// <summary>The answer to a wrong admin token.</summary>
    public static IResult WrongToken(HttpResponse response)
    {
        response.Headers.WWWAuthenticate = "Bearer";
        return Answer(StatusCodes.Status401Unauthorized, "The token is not valid.");
    }
}
