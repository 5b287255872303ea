using System.Globalization;
using System.Text;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>What the balancer itself says to clients of gRPC, who look for a status of their own and take any other response
/// for a broken one.</summary>
internal static class Grpc
{
    /// <summary>Says how a call ended.</summary>
    public const string StatusField = "grpc-status";

    /// <summary>Says why, for a person.</summary>
    public const string MessageField = "grpc-message";

    /// <summary>The status UNAVAILABLE: the call may be made anew.</summary>
    public const string Unavailable = "14";

    private const string ContentType = "application/grpc";

    /// <summary>Whether a value of Content-Type means gRPC: <c>application/grpc</c>, <c>application/grpc+proto</c>, …, but not gRPC-Web,
    /// whose clients read what browsers let them.</summary>
    public static bool Is(string? contentType) =>
        contentType is not null && contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == ContentType.Length || contentType[ContentType.Length] is '+' or ';' or ' ');

    /// <summary>Refuses a call that no node has responded to: with trailers only, as Envoy does.</summary>
    /// <param name="response">Nothing of it was sent.</param>
    /// <param name="status">What another client would get.</param>
    /// <param name="problem">Why, in one line.</param>
    public static void Refuse(HttpResponse response, int status, string problem)
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = ContentType;
        response.Headers[StatusField] = StatusOf(status).ToString(CultureInfo.InvariantCulture);
        response.Headers[MessageField] = MessageOf(problem);
    }

    /// <summary>A message as its field holds it: other than printable ASCII, and the percent sign, as percent and hex.</summary>
    public static string MessageOf(string problem)
    {
        var text = new StringBuilder(problem.Length);
        foreach (var one in Encoding.UTF8.GetBytes(problem))
        {
            _ = one is >= 0x20 and < 0x7F and not (byte)'%' ? text.Append((char)one) : text.Append(CultureInfo.InvariantCulture, $"%{one:X2}");
        }

        return text.ToString();
    }

    // gRPC's doc/http-grpc-status-mapping.md.
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
