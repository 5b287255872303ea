using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Runtime.CompilerServices;

namespace Kiro.Balancer.Backends;

/// <summary>
/// What a node is, from when discovery first names it until it is forgotten. It never changes: what is known of it is in
/// <see cref="KnownBackend"/>, what runs for it in <see cref="BackendRuntime"/>. A node that is forgotten and named again
/// is another one, so compare by reference.
/// </summary>
internal sealed class Backend(string host, int port, bool isTls = false)
{
    /// <summary>Stable, unique among the known ones, and what is hashed: <c>host:port</c> in lower case, IPv6 in brackets.</summary>
    public string Id { get; } = IdOf(host, port);

    /// <summary>A host name or an address, IPv6 without brackets.</summary>
    public string Host { get; } = host;

    /// <summary>From 1 to 65535.</summary>
    public int Port { get; } = port;

    /// <summary>Host and port as they stand in a URL.</summary>
    public string Authority { get; } = AuthorityOf(host, port);

    /// <summary>Whether it is spoken to over TLS.</summary>
    public bool IsTls { get; } = isTls;

    /// <summary>What a request's URL starts with for HttpClient, which knows nothing of TLS: that is a matter of the connection
    /// below it.</summary>
    public string UrlPrefix { get; } = "http://" + AuthorityOf(host, port);

    public override string ToString() => Id;

    internal static string IdOf(string host, int port) => $"{Bracketed(host).ToLowerInvariant()}:{port}";

    private static string AuthorityOf(string host, int port) => $"{Bracketed(host)}:{port}";

    private static string Bracketed(string host) =>
        host.Contains(':') && IPAddress.TryParse(host, out _) ? $"[{host}]" : host;
}

/// <summary>Where a node is, as discovery found it.</summary>
/// <param name="Host">A host name or an address, IPv6 without brackets.</param>
/// <param name="Port">From 1 to 65535.</param>
/// <param name="Weight">Its share relative to the others, above 0.</param>
/// <param name="IsTls">Whether it is spoken to over TLS.</param>
internal sealed record BackendEndpoint(string Host, int Port, double Weight = 1, bool IsTls = false)
{
    /// <summary>What is hashed; see <see cref="Backend.Id"/>. It must never depend on the order of a list, nor on TLS: a node
    /// that begins to speak it keeps its clients.</summary>
    public string Id { get; } = Backend.IdOf(Host, Port);
}

/// <summary>Which weights a node can have.</summary>
internal static class BackendWeight
{
    public const double Min = 0.01;
    public const double Max = 1000;

    /// <summary>The same in words.</summary>
    public const string Allowed = "a number from 0.01 to 1000";

    public static bool IsValid(double weight) => weight is >= Min and <= Max;
}

/// <summary>What runs for a node: what is counted of it, and the signals between those who deal with it.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The source has no timer: there is nothing to dispose of.")]
internal sealed class BackendRuntime(Backend backend, TimeProvider time)
{
    private CancellationTokenSource _waiting = new();
    private volatile bool _isDoubted;
    private bool _closes;

    public Backend Backend { get; } = backend;

    public BackendCounters Counters { get; } = new(time);

    /// <summary>What it answered, and how fast.</summary>
    public BackendTraffic Traffic { get; } = new(time);

    /// <summary>Set by whoever has reason to doubt the node's state.</summary>
    public WakeSignal ProbeNow { get; } = new();

    /// <summary>Whether its last probe got no good response, or it is suspected: idle connections to it are closed soon, for
    /// they may hold the threads that the probe waits for.</summary>
    public bool IsDoubted
    {
        get => _isDoubted;
        set => _isDoubted = value;
    }

    /// <summary>Fires when it is hopeless to wait for this node's responses any longer.</summary>
    public CancellationToken Abandoned => Volatile.Read(ref _waiting).Token;

    /// <summary>Lets every request that waits for a response, and can be sent elsewhere, go there.</summary>
    // The old source is never disposed: it has no timer, and requests may still hold its token.
    public void AbandonWaiting() => Interlocked.Exchange(ref _waiting, new CancellationTokenSource()).Cancel();

    /// <summary>Notes whether a response of the node ended its connection.</summary>
    public void NoteClosing(bool closes)
    {
        if (closes == _closes)
        {
            return;
        }

        _closes = closes;
        if (closes)
        {
            // Servers that shut down begin to say so like this; a probe finds out whether this one does.
            ProbeNow.Set();
        }
    }
}

/// <summary>Has what runs for each node, made when it is first asked for and gone when nobody knows the node any more.</summary>
internal sealed class BackendRuntimes(TimeProvider time)
{
    private readonly ConditionalWeakTable<Backend, BackendRuntime> _runtimes = [];

    public BackendRuntime Of(Backend backend) =>
        _runtimes.TryGetValue(backend, out var runtime) ? runtime : _runtimes.GetValue(backend, added => new BackendRuntime(added, time));
}

/// <summary>Ends a wait early, of one who waits. Signals that nobody waits for are remembered as one.</summary>
internal sealed class WakeSignal
{
    private TaskCompletionSource _signal = NewSignal();

    public void Set() => Volatile.Read(ref _signal).TrySetResult();

    /// <summary>Waits for a signal, at most <paramref name="limit"/>.</summary>
    /// <returns>True when it was a signal that ended the wait.</returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async Task<bool> WaitAsync(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var signal = Volatile.Read(ref _signal);
        if (!signal.Task.IsCompleted)
        {
            // No exception at the limit: a thousand nodes' probes end in it all the time, and each throw costs as much as a probe.
            using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(signal.Task, Task.Delay(limit, time, over.Token));
            cancellationToken.ThrowIfCancellationRequested();
            if (signal.Task.IsCompleted)
            {
                await over.CancelAsync();
            }
        }

        return signal.Task.IsCompleted && Interlocked.CompareExchange(ref _signal, NewSignal(), signal) == signal;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
