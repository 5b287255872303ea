using System.Globalization;
using System.Text;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Forwarding;
using Microsoft.AspNetCore.WebUtilities;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>The balancer's own response when no node gave one, in the same words as <see cref="ErrorResponse"/>'s.</summary>
internal static class FrontError
{
    /// <param name="status">Its status.</param>
    /// <param name="problem">The reason in plain words.</param>
    /// <param name="page">What a person gets; null for a program.</param>
    /// <param name="isHead">Whether it answers HEAD.</param>
    /// <param name="connection">The value of Connection; empty for none.</param>
    /// <param name="date">A whole Date line.</param>
    /// <param name="retryAfter">Seconds for Retry-After; null for 1 with 502 to 504 and none otherwise.</param>
    public static byte[] Write(int status, string problem, ErrorPage? page, bool isHead, string connection, ReadOnlySpan<byte> date, int? retryAfter)
    {
        var body = page?.Body(status, problem) ?? ProblemResponse.Body(status, problem);
        var head = new StringBuilder()
            .Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} {ReasonPhrases.GetReasonPhrase(status)}\r\n")
            .Append(Encoding.ASCII.GetString(date))
            .Append("Cache-Control: no-store\r\n");
        if ((retryAfter ?? (status is >= StatusCodes.Status502BadGateway and <= StatusCodes.Status504GatewayTimeout ? 1 : null)) is { } seconds)
        {
            head.Append(CultureInfo.InvariantCulture, $"Retry-After: {seconds}\r\n");
        }

        if (connection.Length > 0)
        {
            head.Append(CultureInfo.InvariantCulture, $"Connection: {connection}\r\n");
        }

        head.Append(CultureInfo.InvariantCulture, $"Content-Type: {(page is null ? ProblemResponse.ContentType : ErrorPage.ContentType)}\r\nContent-Length: {body.Length}\r\n\r\n");
        var bytes = Encoding.ASCII.GetBytes(head.ToString());
        return isHead ? bytes : [.. bytes, .. body];
    }
}
