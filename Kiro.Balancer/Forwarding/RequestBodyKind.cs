using Kiro.Balancer.Forwarding.Sending;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Forwarding;

/// <summary>Tells which kind of body a request has.</summary>
internal static class RequestBodyKind
{
    public static RequestBody Of(HttpContext context, KeptBody? kept) =>
        kept is not null ? RequestBody.Kept
        : context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true ? RequestBody.Streamed
        : RequestBody.Empty;
}
