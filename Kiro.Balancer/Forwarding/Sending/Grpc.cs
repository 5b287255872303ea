using System.Globalization;
using System.Text;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>Errors for gRPC clients, which expect a grpc-status and treat any other response as broken.</summary>
internal static class Grpc
{
    public const string StatusField = "grpc-status";

    public const string MessageField = "grpc-message";

    /// <summary>UNAVAILABLE: the call may be retried.</summary>
    public const string Unavailable = "14";

    private const string ContentType = "application/grpc";

    /// <summary>Whether a Content-Type value is gRPC's (<c>application/grpc</c>, <c>application/grpc+proto</c>, …). gRPC-Web is not
    /// included: its clients read ordinary HTTP errors.</summary>
    public static bool Is(string? contentType) =>
        contentType is not null && contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == ContentType.Length || contentType[ContentType.Length] is '+' or ';' or ' ');

    /// <summary>Refuses a call with a trailers-only response, as Envoy does.</summary>
    /// <param name="response">Not started yet.</param>
    /// <param name="status">The equivalent HTTP status.</param>
    /// <param name="problem">What is wrong, in one line.</param>
    public static void Refuse(HttpResponse response, int status, string problem)
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = ContentType;
        response.Headers[StatusField] = StatusOf(status).ToString(CultureInfo.InvariantCulture);
        response.Headers[MessageField] = MessageOf(problem);
    }

    /// <summary>Encodes grpc-message: everything but printable ASCII is percent-encoded, and so is the percent sign.</summary>
    public static string MessageOf(string problem)
    {
        var text = new StringBuilder(problem.Length);
        foreach (var one in Encoding.UTF8.GetBytes(problem))
        {
            _ = one is >= 0x20 and < 0x7F and not (byte)'%' ? text.Append((char)one) : text.Append(CultureInfo.InvariantCulture, $"%{one:X2}");
        }

        return text.ToString();
    }

    // See doc/http-grpc-status-mapping.md of gRPC.
    private static int StatusOf(int status) => status switch
    {
        StatusCodes.Status400BadRequest => 13,
        StatusCodes.Status401Unauthorized => 16,
        StatusCodes.Status403Forbidden => 7,
        StatusCodes.Status404NotFound or StatusCodes.Status501NotImplemented => 12,
        StatusCodes.Status429TooManyRequests or StatusCodes.Status502BadGateway
            or StatusCodes.Status503ServiceUnavailable or StatusCodes.Status504GatewayTimeout => 14,
        _ => 2,
    };
}
