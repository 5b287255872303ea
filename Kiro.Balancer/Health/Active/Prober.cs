using System.Net;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Health.Active;

/// <summary>Asks a node how it is, over a connection of its own: a kept one would not notice a listener that is gone.</summary>
internal sealed class Prober(HealthOptions options, TimeProvider time) : IDisposable
{
    private const int LongestBody = 64 * 1024;

    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        PooledConnectionLifetime = TimeSpan.Zero,
        ActivityHeadersPropagator = null,
    });

    public async Task<ProbeResult> ProbeAsync(Backend backend, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Get, backend.UrlPrefix + options.Path);
        request.Headers.UserAgent.ParseAdd("Kiro-Probe/1.0");
        var start = time.GetTimestamp();
        try
        {
            using var response = await _client.SendAsync(request, either.Token);
            var body = await ReadAsync(response, either.Token);
            return Judge(response.StatusCode, HealthAnswer.Parse(body), time.GetElapsedTime(start));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new ProbeResult(ProbeOutcome.Silent, null, $"no answer within {options.Timeout.TotalSeconds:0.#} s", null);
        }
        catch (HttpRequestException failure) when (failure.HttpRequestError
            is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError)
        {
            var error = ConnectError.From(failure);
            var outcome = error.Fault switch
            {
                ConnectFault.Balancer => ProbeOutcome.Unknown,
                ConnectFault.NameServer => ProbeOutcome.Silent,
                _ => ProbeOutcome.Refused,
            };
            return new ProbeResult(outcome, null, error.Problem, null);
        }
        catch (HttpRequestException failure) when (failure.HttpRequestError == HttpRequestError.InvalidResponse)
        {
            return new ProbeResult(ProbeOutcome.Failed, null, "the answer is not HTTP", null);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            return new ProbeResult(ProbeOutcome.Silent, null, "connection lost before the answer was complete", null);
        }
    }

    public void Dispose() => _client.Dispose();

    private static ProbeResult Judge(HttpStatusCode status, HealthAnswer answer, TimeSpan latency) => status switch
    {
        >= (HttpStatusCode)200 and < (HttpStatusCode)300 => new ProbeResult(ProbeOutcome.Passed, latency, null, answer.Node) { Degradation = answer.Degradation },
        HttpStatusCode.ServiceUnavailable when answer.Status == "draining" => new ProbeResult(ProbeOutcome.Draining, latency, null, answer.Node),
        _ => new ProbeResult(ProbeOutcome.Failed, latency, $"health answer {(int)status}", answer.Node),
    };

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var body = new byte[LongestBody];
        var length = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellationToken);
        return body.AsMemory(0, length);
    }
}
