using System.Net;
using System.Net.Sockets;
using System.Text;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Health.Active;

/// <summary>Asks a node how it is, over a connection of its own: a kept one would not notice a listener that is gone.</summary>
internal sealed class Prober(HealthOptions options, TimeProvider time)
{
    private const string Lost = "connection lost before the response was complete";

    public async Task<ProbeResult> ProbeAsync(Backend backend, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var start = time.GetTimestamp();
        var isConnected = false;
        try
        {
            await socket.ConnectAsync(new DnsEndPoint(backend.Host, backend.Port), either.Token);
            isConnected = true;
            var exchange = new ProbeExchange(socket);
            await exchange.SendAsync(RequestTo(backend), either.Token);
            var body = await exchange.ReadAsync(either.Token);
            return Judge(exchange.Status, HealthResponse.Parse(body), time.GetElapsedTime(start));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return isConnected
                ? new ProbeResult(ProbeOutcome.Silent, null, $"no response within {options.Timeout.TotalSeconds:0.#} s", null)
                : new ProbeResult(ProbeOutcome.Unaccepted, null, $"no connection within {options.Timeout.TotalSeconds:0.#} s", null);
        }
        catch (SocketException failure) when (!isConnected)
        {
            var error = ConnectError.From(failure);
            var outcome = error.Fault switch
            {
                ConnectFault.Balancer => ProbeOutcome.Unknown,
                ConnectFault.NameServer => ProbeOutcome.Lost,
                ConnectFault.Unaccepted => ProbeOutcome.Unaccepted,
                _ => ProbeOutcome.Refused,
            };
            return new ProbeResult(outcome, null, error.Problem, null);
        }
        catch (InvalidDataException)
        {
            return new ProbeResult(ProbeOutcome.Failed, null, "the response is not valid HTTP", null);
        }
        catch (Exception failure) when (failure is SocketException or EndOfStreamException)
        {
            return new ProbeResult(ProbeOutcome.Lost, null, Lost, null);
        }
    }

    private byte[] RequestTo(Backend backend) => Encoding.ASCII.GetBytes(
        $"GET {options.Path} HTTP/1.1\r\nHost: {options.Host ?? backend.Authority}\r\nUser-Agent: Kiro-Probe/1.0\r\nConnection: close\r\n\r\n");

    private ProbeResult Judge(int status, HealthResponse answer, TimeSpan latency)
    {
        var (outcome, error) = status == StatusCodes.Status503ServiceUnavailable && answer.Status == "draining" ? (ProbeOutcome.Draining, null)
            : options.Status.Contains(status) ? (ProbeOutcome.Passed, null)
            : (ProbeOutcome.Failed, $"health answer {status}");
        return new ProbeResult(outcome, latency, error, answer.Node, answer.IsConcurrent)
        {
            Degradation = outcome == ProbeOutcome.Passed ? answer.Degradation : null,
        };
    }
}
