using System.Net.Http.Headers;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kiro;

/// <summary>Requests to a running balancer's admin endpoints.</summary>
internal static class AdminRequest
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(10) };

    /// <param name="balancer">The balancer.</param>
    /// <param name="path">The path below <c>/lb/</c>.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="HttpRequestException">It cannot be reached.</exception>
    public static async Task<HttpResponseMessage> PostAsync(KiroBalancerResource balancer, string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{balancer.PrimaryEndpoint.Url}/lb/{path}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await balancer.AdminTokenParameter.GetValueAsync(cancellationToken));
        return await Http.SendAsync(request, cancellationToken);
    }
}
