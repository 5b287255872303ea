using System.Net.Sockets;
using System.Text;
using Kiro.ServiceDefaults.Limits;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening;

/// <summary>
/// Admits or refuses every accepted connection: by the number of connections, and by its descriptor, so that backends, probes and pages never run
/// out of descriptors.
/// </summary>
internal sealed partial class ClientAdmission(
    Reloadable<ListeningOptions> options, ConnectionLimit limit, DescriptorLimit descriptors, TimeProvider time, ILogger<ClientAdmission> logger)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    private readonly Burst _refusals = new(time);
    private readonly Burst _shortages = new(time);
    private long _firstReserved = long.MaxValue;
    private long _preparedAt;
    private bool _hasWarned;

    /// <summary>To be called for every accepted connection. Sends nothing.</summary>
    /// <returns>False if the connection must be refused and closed. If true, <see cref="ConnectionLimit.Leave"/> is due after it has closed.</returns>
    public bool TryAdmit(long descriptor)
    {
        if (_preparedAt == 0 || time.GetElapsedTime(Volatile.Read(ref _preparedAt)) > Period)
        {
            Prepare();
        }

        var isReserved = descriptor >= _firstReserved;
        if (!isReserved && limit.TryEnter())
        {
            return true;
        }

        if (isReserved)
        {
            limit.Refuse();
        }

        if (_refusals.Note() is > 0 and var count)
        {
            LogRefused(logger, count, limit.Open, limit.Max);
        }

        return false;
    }

    /// <summary>Refuses a connection and closes its socket.</summary>
    /// <param name="socket">The accepted socket.</param>
    /// <param name="reason">The response to send; empty on TLS ports.</param>
    public static void Refuse(Socket socket, ReadOnlySpan<byte> reason)
    {
        try
        {
            if (!reason.IsEmpty)
            {
                socket.Send(reason, SocketFlags.None, out _);
            }

            socket.Shutdown(SocketShutdown.Send);
            if (socket.Available > 0)
            {
                // Unread data would turn the close into a reset, which can discard the response.
                Span<byte> unread = stackalloc byte[2048];
                socket.Receive(unread, SocketFlags.None, out _);
            }
        }
        catch (SocketException)
        {
            // The client disconnected.
        }

        socket.Dispose();
    }

    /// <summary>Notes that a connection cannot be accepted for lack of descriptors or memory.</summary>
    public void NoteShortage(SocketException problem)
    {
        if (_shortages.Note() is > 0 and var count)
        {
            LogShortage(logger, count, problem.Message);
        }
    }

    // Recomputed periodically: the runtime keeps opening descriptors as it loads code. Concurrent calls are harmless.
    private void Prepare()
    {
        Volatile.Write(ref _preparedAt, Math.Max(1, time.GetTimestamp()));
        var wanted = options.Value.Connections;
        if (descriptors.Soft is not { } soft)
        {
            limit.Max = wanted ?? int.MaxValue;
            return;
        }

        var budget = ConnectionBudget.Of(soft, ConnectionBudget.InUse());
        if (wanted > budget.Connections && !_hasWarned)
        {
            _hasWarned = true;
            LogLimitTooHigh(logger, wanted.Value, soft, budget.Connections);
        }

        limit.Max = Math.Min(wanted ?? int.MaxValue, budget.Connections);
        _firstReserved = budget.FirstReserved;
    }

    [LoggerMessage(50, LogLevel.Warning, "{Count} client connections were refused with 503: {Open} of {Max} are open (LIMIT_CONNECTIONS, by default from the limit of open files)")]
    private static partial void LogRefused(ILogger logger, long count, int open, int max);

    [LoggerMessage(52, LogLevel.Warning, "LIMIT_CONNECTIONS={Wanted} is more than the limit of {Descriptors} open files allows: {Max}. LimitNOFILE= (systemd), ulimit -n or --ulimit nofile= (Docker) raise it")]
    private static partial void LogLimitTooHigh(ILogger logger, int wanted, long descriptors, int max);

    [LoggerMessage(51, LogLevel.Warning, "Client connections are waiting, {Count} attempts to accept one failed: {Problem}")]
    private static partial void LogShortage(ILogger logger, long count, string problem);
}

/// <summary>Counts client connections across all listeners against a limit.</summary>
internal sealed class ConnectionLimit(int max)
{
    private int _max = max;
    private int _open;
    private long _refused;

    /// <summary>The limit, at least 1.</summary>
    public int Max
    {
        get => Volatile.Read(ref _max);
        set => Volatile.Write(ref _max, value);
    }

    /// <summary>Open connections.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Connections refused since the start.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>To be called for an accepted connection.</summary>
    /// <returns>False if it must be refused; <see cref="Leave"/> is not due then.</returns>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _open) <= Max)
        {
            return true;
        }

        Interlocked.Decrement(ref _open);
        Refuse();
        return false;
    }

    /// <summary>Counts a connection that is refused for another reason.</summary>
    public void Refuse() => Interlocked.Increment(ref _refused);

    /// <summary>To be called once the descriptor is closed.</summary>
    public void Leave() => Interlocked.Decrement(ref _open);
}

/// <summary>Responses to connections that are refused. Only for plain HTTP: on a TLS port nothing can be sent.</summary>
internal static class Refusal
{
    /// <summary>The limit of all connections is reached.</summary>
    public static ReadOnlyMemory<byte> TooManyConnections { get; } = Response(503, "Service Unavailable", "too many connections");

    /// <summary>The limit of one client is reached.</summary>
    public static ReadOnlyMemory<byte> TooManyFromClient { get; } =
        Response(429, "Too Many Requests", "too many connections from your address");

    /// <summary>Plain HTTP on a TLS port.</summary>
    public static ReadOnlyMemory<byte> NeedsTls { get; } = Response(400, "Bad Request", "this port speaks HTTPS", retryAfter: null);

    // Problem details (RFC 9457).
    private static byte[] Response(int status, string title, string detail, string? retryAfter = "Retry-After: 1\r\n")
    {
        var body = $$"""{"type":"about:blank","title":"{{title}}","status":{{status}},"detail":"{{detail}}","error":"{{detail}}"}""";
        return Encoding.ASCII.GetBytes(string.Join("\r\n",
            $"HTTP/1.1 {status} {title}", "Content-Type: application/problem+json", $"Content-Length: {body.Length}",
            "Cache-Control: no-store", $"{retryAfter}Connection: close", "", body));
    }
}
