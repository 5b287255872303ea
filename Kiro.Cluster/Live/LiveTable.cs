using System.Runtime.InteropServices;
using System.Threading.Channels;
using Kiro.Cluster.Nodes;
using Kiro.Cluster.Output;
using Kiro.Cluster.Terminal;
using Kiro.Cluster.View;
using Kiro.ServiceDefaults.Printing;

namespace Kiro.Cluster.Live;

/// <summary>The live table shown while the cluster runs, with the last log lines below it.</summary>
internal sealed class LiveTable : IAsyncDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MinBetweenPaints = TimeSpan.FromMilliseconds(100);

    private readonly Screen _screen = new(Console.Out);
    private readonly Channel<bool> _changes = Signal();
    private readonly Channel<bool> _news = Signal();
    private readonly CancellationTokenSource _ended = new();
    private readonly bool _colour;
    private readonly TimeProvider _time;
    private volatile ClusterView _view = new(["Kiro · starting"], [], []);
    private Task _showing = Task.CompletedTask;

    /// <param name="names">The sources of lines, in a fixed order.</param>
    /// <param name="colour">Whether to use colour.</param>
    /// <param name="time">The clock.</param>
    public LiveTable(IReadOnlyList<string> names, bool colour, TimeProvider time)
    {
        (_colour, _time) = (colour, time);
        Log = new LogTail(names, colour, Written);
    }

    /// <summary>The lines below the table.</summary>
    public LogTail Log { get; }

    /// <summary>Shows the cluster until this is disposed of, which leaves its last state on the terminal.</summary>
    /// <param name="watch">The state of the cluster. Disposed of at the end.</param>
    /// <param name="stopping">Cancelled when the nodes are stopped: the state before that remains.</param>
    public void Start(ClusterWatch watch, CancellationToken stopping) => _showing = ShowAsync(watch, stopping);

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _showing;
        _ended.Dispose();
    }

    private async Task ShowAsync(ClusterWatch watch, CancellationToken stopping)
    {
        using var resized = OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Changed());
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, _ended.Token);
        using var watched = watch;
        var looking = LookAsync(watch, either.Token);
        try
        {
            while (await _changes.Reader.WaitToReadAsync(_ended.Token))
            {
                _changes.Reader.TryRead(out _);
                _screen.Paint(Lines());
                await Task.Delay(MinBetweenPaints, _time, _ended.Token);
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            await looking;
        }
        finally
        {
            // The prompt below must not scroll the first line out.
            _screen.Close(Lines(linesBelow: 2));
        }
    }

    private async Task LookAsync(ClusterWatch watch, CancellationToken stopping)
    {
        try
        {
            while (true)
            {
                _view = await watch.LookAsync(stopping);
                Changed();
                await PauseAsync(stopping);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            _view = _view with { Head = ["Before the stop: " + _view.Head[0], .. _view.Head.Skip(1)] };
            Changed();
        }
    }

    /// <summary>Waits until the next refresh, which is immediate if a process has changed.</summary>
    private async Task PauseAsync(CancellationToken stopping)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        await Task.WhenAny(Task.Delay(LookInterval, _time, over.Token), _news.Reader.WaitToReadAsync(over.Token).AsTask());
        await over.CancelAsync();
        _news.Reader.TryRead(out _);
        stopping.ThrowIfCancellationRequested();
    }

    private IReadOnlyList<string> Lines(int linesBelow = 0)
    {
        var (width, height) = TerminalSize.Now();
        return new Frame(width, Math.Max(height - linesBelow, 1), _colour).Of(_view, count => Log.Last(count, width));
    }

    private void Changed() => _changes.Writer.TryWrite(true);

    private void Written(string name)
    {
        Changed();
        // Messages of the balancer about its nodes change the table.
        if (name is LinePrefix.Runner or ClusterPlan.BalancerName)
        {
            _news.Writer.TryWrite(true);
        }
    }

    private static Channel<bool> Signal() =>
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
}

/// <summary>Keeps the last log lines for the space below the live table.</summary>
/// <param name="names">The sources of lines, in a fixed order.</param>
/// <param name="colour">Whether to use colour.</param>
/// <param name="written">Called after each line with the name of its source.</param>
internal sealed class LogTail(IReadOnlyList<string> names, bool colour, Action<string> written) : IRunnerOutput
{
    private const int MaxLines = 200;

    private readonly Lock _gate = new();
    private readonly Queue<(string Name, string Text)> _lines = new();
    private readonly IReadOnlyDictionary<string, string> _prefixes = LinePrefix.Of(names, colour);
    private readonly int _prefixWidth = LinePrefix.Width(names) + 3;

    public void Line(string name, string text)
    {
        lock (_gate)
        {
            _lines.Enqueue((name, PrintableText.Of(text)));
            if (_lines.Count > MaxLines)
            {
                _lines.Dequeue();
            }
        }

        written(name);
    }

    public void Say(string text) => Line(LinePrefix.Runner, text);

    /// <summary>Not shown, because the head of the table has the addresses.</summary>
    public void Block(IEnumerable<string> lines)
    {
    }

    /// <summary>The newest lines, the newest last.</summary>
    /// <param name="count">The maximum number.</param>
    /// <param name="width">Longer lines are truncated.</param>
    public IReadOnlyList<string> Last(int count, int width)
    {
        lock (_gate)
        {
            return [.. _lines.TakeLast(count).Select(line => _prefixes[line.Name] + Words.Cut(line.Text, Math.Max(width - _prefixWidth, 1)))];
        }
    }
}
