using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Runtime.CompilerServices;

namespace Kiro.Balancer.Backends;

/// <summary>
/// A backend's identity, from its discovery to its removal. Immutable: <see cref="KnownBackend"/> has its state, and
/// <see cref="BackendRuntime"/> its counters and signals. A backend that is removed and discovered again is a new one, so compare by
/// reference.
/// </summary>
internal sealed class Backend(string host, int port, bool isTls = false)
{
    /// <summary>Stable and unique; this is what is hashed: <c>host:port</c> in lower case, IPv6 in brackets.</summary>
    public string Id { get; } = IdOf(host, port);

    /// <summary>A host name or an address, IPv6 without brackets.</summary>
    public string Host { get; } = host;

    /// <summary>From 1 to 65535.</summary>
    public int Port { get; } = port;

    /// <summary>Host and port as in a URL.</summary>
    public string Authority { get; } = AuthorityOf(host, port);

    public bool IsTls { get; } = isTls;

    /// <summary>The URL prefix for HttpClient; <c>http</c> even with TLS, which the connection callback adds.</summary>
    public string UrlPrefix { get; } = "http://" + AuthorityOf(host, port);

    public override string ToString() => Id;

    internal static string IdOf(string host, int port) => $"{Bracketed(host).ToLowerInvariant()}:{port}";

    private static string AuthorityOf(string host, int port) => $"{Bracketed(host)}:{port}";

    private static string Bracketed(string host) =>
        host.Contains(':') && IPAddress.TryParse(host, out _) ? $"[{host}]" : host;
}

/// <summary>A backend as discovery found it.</summary>
/// <param name="Host">A host name or an address, IPv6 without brackets.</param>
/// <param name="Port">From 1 to 65535.</param>
/// <param name="Weight">Relative to the others, above 0.</param>
/// <param name="IsTls">Whether connections to it use TLS.</param>
internal sealed record BackendEndpoint(string Host, int Port, double Weight = 1, bool IsTls = false)
{
    /// <summary>See <see cref="Backend.Id"/>. It must not depend on the order of a list, nor on TLS: a backend that switches to TLS keeps
    /// its clients.</summary>
    public string Id { get; } = Backend.IdOf(Host, Port);
}

/// <summary>The range of weights.</summary>
internal static class BackendWeight
{
    public const double Min = 0.01;
    public const double Max = 1000;

    /// <summary>For error messages.</summary>
    public const string Allowed = "a number from 0.01 to 1000";

    public static bool IsValid(double weight) => weight is >= Min and <= Max;
}

/// <summary>A backend's counters, and the signals between the components that use it.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The source has no timer: there is nothing to dispose of.")]
internal sealed class BackendRuntime(Backend backend, TimeProvider time)
{
    private CancellationTokenSource _waiting = new();
    private volatile bool _isDoubted;
    private bool _closes;

    public Backend Backend { get; } = backend;

    public BackendCounters Counters { get; } = new(time);

    /// <summary>Its responses and their latencies.</summary>
    public BackendTraffic Traffic { get; } = new(time);

    /// <summary>Requests a probe without waiting for the interval.</summary>
    public WakeSignal ProbeNow { get; } = new();

    /// <summary>Whether its last probe failed or it has been unresponsive: idle connections to it are then closed early, as they
    /// may occupy the threads that the probe is waiting for.</summary>
    public bool IsSuspect
    {
        get => _isDoubted;
        set => _isDoubted = value;
    }

    /// <summary>Cancelled when there is no point in waiting for its responses any longer.</summary>
    public CancellationToken Abandoned => Volatile.Read(ref _waiting).Token;

    /// <summary>Makes requests that are waiting for a response, and can be retried, go to another backend.</summary>
    // The old source is not disposed: requests may still hold its token.
    public void AbandonWaiting() => Interlocked.Exchange(ref _waiting, new CancellationTokenSource()).Cancel();

    /// <summary>Records whether a response closed its connection.</summary>
    public void RecordConnectionClose(bool closes)
    {
        if (closes == _closes)
        {
            return;
        }

        _closes = closes;
        if (closes)
        {
            // Often the first sign of a shutdown; a probe finds out.
            ProbeNow.Set();
        }
    }
}

/// <summary>The runtime of each backend, created on first use and collected with the backend.</summary>
internal sealed class BackendRuntimes(TimeProvider time)
{
    private readonly ConditionalWeakTable<Backend, BackendRuntime> _runtimes = [];

    public BackendRuntime Of(Backend backend) =>
        _runtimes.TryGetValue(backend, out var runtime) ? runtime : _runtimes.GetValue(backend, added => new BackendRuntime(added, time));
}

/// <summary>Ends the wait of a single waiter early. A signal set while nobody waits is kept, once.</summary>
internal sealed class WakeSignal
{
    private TaskCompletionSource _signal = NewSignal();

    public void Set() => Volatile.Read(ref _signal).TrySetResult();

    /// <summary>Waits for a signal, at most for <paramref name="limit"/>.</summary>
    /// <returns>Whether there was a signal.</returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async Task<bool> WaitAsync(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var signal = Volatile.Read(ref _signal);
        if (!signal.Task.IsCompleted)
        {
            // No exception at the limit: it is the normal case for every probe loop, and a throw costs as much as a probe.
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(signal.Task, Task.Delay(limit, time, timeout.Token));
            cancellationToken.ThrowIfCancellationRequested();
            if (signal.Task.IsCompleted)
            {
                await timeout.CancelAsync();
            }
        }

        return signal.Task.IsCompleted && Interlocked.CompareExchange(ref _signal, NewSignal(), signal) == signal;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
