using Kiro.Tests.Support;
using Kiro.Tests.Faults;

namespace Kiro.Tests.Balancer.Admin;

/// <summary>Sends admin requests over HTTP.</summary>
internal static class AdminRequest
{
    public static async Task<(int Code, string Body)> Order(BalancerInProcess balancer, string id, string verb, string? authorization, string? body = null)
    {
        using var response = await Post(balancer, id, verb, authorization, body);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public static async Task<HttpResponseMessage> Post(BalancerInProcess balancer, string id, string verb, string? authorization, string? body = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/lb/backends/{Uri.EscapeDataString(id)}/{verb}");
        request.Content = body is null ? null : new StringContent(body, System.Text.Encoding.UTF8, "application/x-www-form-urlencoded");
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        return await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
