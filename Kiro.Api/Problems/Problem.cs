using System.Globalization;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Api.Problems;

/// <summary>The body of error responses.</summary>
internal sealed record Problem(string Error)
{
    public static IResult Response(int status, string error) =>
        Results.Json(new Problem(error), statusCode: status);

    /// <summary>The error response to a wrong admin token, or too many of them; otherwise null.</summary>
    public static IResult? OfToken(HttpContext context, AdminAccess admin, out AdminVerdict verdict)
    {
        var (request, response) = (context.Request, context.Response);
        verdict = admin.Check(request.Headers.Authorization, context.Connection.RemoteIpAddress, out var wait);
        switch (verdict)
        {
            case AdminVerdict.Wrong:
                response.Headers.WWWAuthenticate = "Bearer";
                return Response(StatusCodes.Status401Unauthorized, "The token is invalid.");
            case AdminVerdict.TooOften:
                response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
                return Response(StatusCodes.Status429TooManyRequests, "Too many wrong tokens from your address.");
            default:
                return null;
        }
    }
}
