using System.Net;
using System.Net.Sockets;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Connections;

namespace Kiro.Balancer.Listening;

/// <summary>A setting that makes the balancer listen, besides the plain port.</summary>
/// <param name="Variable">Its name.</param>
/// <param name="Value">As it is set.</param>
/// <param name="Port">The port.</param>
internal sealed record NamedPort(string Variable, string Value, int Port);

/// <summary>Says which setting it is that cannot be listened on.</summary>
internal sealed class PortNames(ListenPort plain, IEnumerable<NamedPort> others)
{
    /// <summary>What is thrown in place of the system's own words: the start shows it in one line, and ends.</summary>
    /// <param name="endpoint">Where it was tried.</param>
    /// <param name="problem">Why it failed.</param>
    public Exception Problem(EndPoint endpoint, SocketException problem)
    {
        var refusal = new StartRefusedException([$"{Setting(endpoint, problem.SocketErrorCode)} {Words(problem)}."]);
        // Kestrel tries IPv4 alone when both families together fail, but for this.
        return problem.SocketErrorCode == SocketError.AddressAlreadyInUse ? new AddressInUseException(problem.Message, refusal) : refusal;
    }

    private string Setting(EndPoint endpoint, SocketError error)
    {
        var address = endpoint as IPEndPoint;
        var other = others.FirstOrDefault(name => name.Port == address?.Port);
        return error == SocketError.AddressNotAvailable && other?.Value.Contains(':', StringComparison.Ordinal) != true && plain.AddressVariable is { } addresses
            ? $"{addresses}={address?.Address}"
            : other is not null ? $"{other.Variable}={other.Value}" : $"{plain.Variable}={plain.Port}";
    }

    private static string Words(SocketException problem) => problem.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "is in use by another process",
        SocketError.AddressNotAvailable => "cannot be listened on: this machine has no such address",
        SocketError.AccessDenied => "cannot be opened: ports below 1024 need the right to (CAP_NET_BIND_SERVICE)",
        _ => $"cannot be opened: {problem.Message}",
    };
}
