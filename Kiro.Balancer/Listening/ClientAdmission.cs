using System.Net.Sockets;
using System.Text;
using Kiro.ServiceDefaults.Limits;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening;

/// <summary>
/// Decides about every connection that was accepted, whoever accepted it: it is let in, or told so and closed. By count, and
/// by the number of its descriptor, so that nodes, probes and pages never find none left.
/// </summary>
internal sealed partial class ClientAdmission(
    Reloadable<ListeningOptions> options, ConnectionLimit limit, DescriptorLimit descriptors, TimeProvider time, ILogger<ClientAdmission> logger)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    private readonly Burst _refusals = new(time);
    private readonly Burst _shortages = new(time);
    private long _firstReserved = long.MaxValue;
    private long _preparedAt;
    private bool _isTold;

    /// <summary>To be asked for every accepted connection; nothing is sent here.</summary>
    /// <param name="descriptor">Of the connection.</param>
    /// <returns>False when it must be refused and closed at once. When true, <see cref="ConnectionLimit.Leave"/> is due after it
    /// was closed.</returns>
    public bool TryAdmit(long descriptor)
    {
        if (_preparedAt == 0 || time.GetElapsedTime(Volatile.Read(ref _preparedAt)) > Period)
        {
            Prepare();
        }

        var isShort = descriptor >= _firstReserved;
        if (!isShort && limit.TryEnter())
        {
            return true;
        }

        if (isShort)
        {
            limit.Refuse();
        }

        if (_refusals.Note() is > 0 and var count)
        {
            Full(logger, count, limit.Open, limit.Max);
        }

        return false;
    }

    /// <summary>Refuses and closes a connection of its own socket.</summary>
    /// <param name="socket">As it was accepted.</param>
    /// <param name="reason">What it is told; empty in front of TLS.</param>
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
                // Unread bytes would make the close a reset, which can cost the client the response.
                Span<byte> unread = stackalloc byte[2048];
                socket.Receive(unread, SocketFlags.None, out _);
            }
        }
        catch (SocketException)
        {
            // The client is gone already.
        }

        socket.Dispose();
    }

    /// <summary>Notes that the system has no descriptor, or no memory, for a connection that waits.</summary>
    public void NoteShortage(SocketException problem)
    {
        if (_shortages.Note() is > 0 and var count)
        {
            Short(logger, count, problem.Message);
        }
    }

    // The runtime goes on to load code, and to keep a descriptor or two for each part of it. Two at once do no harm.
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
        if (wanted > budget.Connections && !_isTold)
        {
            _isTold = true;
            TooMany(logger, wanted.Value, soft, budget.Connections);
        }

        limit.Max = Math.Min(wanted ?? int.MaxValue, budget.Connections);
        _firstReserved = budget.FirstReserved;
    }

    [LoggerMessage(50, LogLevel.Warning, "{Count} connections of clients were refused with 503: {Open} of {Max} are open (LIMIT_CONNECTIONS, by default from the limit of open files)")]
    private static partial void Full(ILogger logger, long count, int open, int max);

    [LoggerMessage(52, LogLevel.Warning, "LIMIT_CONNECTIONS={Wanted} is more than the limit of {Descriptors} open files allows: {Max}. LimitNOFILE= (systemd), ulimit -n or --ulimit nofile= (Docker) raise it")]
    private static partial void TooMany(ILogger logger, int wanted, long descriptors, int max);

    [LoggerMessage(51, LogLevel.Warning, "Client connections are waiting, {Count} attempts to accept one failed: {Problem}")]
    private static partial void Short(ILogger logger, long count, string problem);
}

/// <summary>
/// Counts the connections of clients, all listeners together, and says when there are as many as there may be.
/// One atomic addition when a connection comes and one when it goes; nothing here knows what the connection is.
/// </summary>
/// <param name="max">How many may be open, at least 1.</param>
internal sealed class ConnectionLimit(int max)
{
    private int _max = max;
    private int _open;
    private long _refused;

    /// <summary>How many may be open.</summary>
    public int Max
    {
        get => Volatile.Read(ref _max);
        set => Volatile.Write(ref _max, value);
    }

    /// <summary>How many are.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>How many were refused since the start.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>To be asked after a connection was accepted.</summary>
    /// <returns>False when it must be refused and closed; then <see cref="Leave"/> is not due.</returns>
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

    /// <summary>To be told once the descriptor of a connection that entered is closed.</summary>
    public void Leave() => Interlocked.Decrement(ref _open);
}

/// <summary>What a connection is told that cannot be served, before it is closed. For plain HTTP; before TLS nothing can be said.</summary>
internal static class Refusal
{
    /// <summary>When there are as many connections as there may be, of all clients together.</summary>
    public static ReadOnlyMemory<byte> TooManyConnections { get; } = Response(503, "Service Unavailable", "too many connections");

    /// <summary>When one client has as many as it may have.</summary>
    public static ReadOnlyMemory<byte> TooManyFromClient { get; } =
        Response(429, "Too Many Requests", "too many connections from your address");

    /// <summary>When a request comes in plain where TLS is spoken.</summary>
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
