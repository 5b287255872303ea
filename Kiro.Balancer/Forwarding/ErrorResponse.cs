using System.Globalization;
using System.Net;
using System.Text;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.WebUtilities;

namespace Kiro.Balancer.Forwarding;

/// <summary>The balancer's own error response.</summary>
internal static class ErrorResponse
{
    public static Task WriteAsync(HttpContext context, int status, string problem, int? retryAfter = null)
    {
        if (context.Response.HasStarted)
        {
            return Task.CompletedTask;
        }

        context.Response.Clear();
        if (Grpc.Is(context.Request.ContentType))
        {
            Grpc.Refuse(context.Response, status, problem);
            return Task.CompletedTask;
        }

        context.Response.StatusCode = status;
        context.Response.Headers.CacheControl = "no-store";
        if ((retryAfter ?? (status is >= StatusCodes.Status502BadGateway and <= StatusCodes.Status504GatewayTimeout ? 1 : null)) is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        var (type, body) = ErrorPage.IsFor(status, context.Request.Headers.Accept)
            ? (ErrorPage.ContentType, context.RequestServices.GetRequiredService<Reloadable<ErrorPage>>().Value.Body(status, problem))
            : (ProblemResponse.ContentType, ProblemResponse.Body(status, problem));
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        return context.Request.Method == HttpMethods.Head ? Task.CompletedTask : context.Response.Body.WriteAsync(body).AsTask();
    }
}

/// <summary>The HTML error page for browsers; other clients get problem details.</summary>
internal sealed class ErrorPage
{
    private const string Variable = "ERROR_PAGE";
    private const int MaxBytes = 256 * 1024;

    private readonly string _html;

    /// <param name="html">The page, with the placeholders <c>{{status}}</c>, <c>{{title}}</c> and <c>{{detail}}</c>.</param>
    public ErrorPage(string html) => _html = html;

    /// <summary><c>ERROR_PAGE</c>: an HTML file that replaces the built-in page.</summary>
    public static ErrorPage Read(SettingsReader settings) =>
        settings.FileText(Variable, MaxBytes, "a readable HTML file") is { } html ? new ErrorPage(html) : BuiltIn();

    public const string ContentType = "text/html; charset=utf-8";

    /// <summary>Whether the client gets the page: browsers do, unless the request itself is at fault.</summary>
    /// <param name="status">A status of 400 or above.</param>
    /// <param name="accept">The request's Accept field.</param>
    public static bool IsFor(int status, string? accept) =>
        status >= StatusCodes.Status502BadGateway && accept?.Contains("text/html", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>The complete response body.</summary>
    /// <param name="status">The status of the response.</param>
    /// <param name="detail">What is wrong, in one line.</param>
    public byte[] Body(int status, string detail) => Encoding.UTF8.GetBytes(_html
        .Replace("{{status}}", status.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
        .Replace("{{title}}", ReasonPhrases.GetReasonPhrase(status), StringComparison.Ordinal)
        .Replace("{{detail}}", WebUtility.HtmlEncode(detail), StringComparison.Ordinal));

    private static ErrorPage BuiltIn()
    {
        using var stream = typeof(ErrorPage).Assembly.GetManifestResourceStream("error.html")!;
        using var reader = new StreamReader(stream);
        return new ErrorPage(reader.ReadToEnd());
    }
}
