namespace Kiro.Api.Answers;

/// <summary>The answer to a token that is not the administrator's.</summary>
internal static class WrongToken
{
    public static IResult Answer(HttpResponse response)
    {
        response.Headers.WWWAuthenticate = "Bearer";
        return Problem.Answer(StatusCodes.Status401Unauthorized, "The token is not valid.");
    }
}
