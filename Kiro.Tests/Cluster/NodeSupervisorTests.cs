using System.Threading.Channels;
using Kiro.Cluster.Health;
using Kiro.Cluster.Nodes;
using Kiro.Cluster.Supervision;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Cluster;

public sealed class NodeSupervisorTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly Channel<TaskCompletionSource<int?>> _starts = Channel.CreateUnbounded<TaskCompletionSource<int?>>();
    private readonly Channel<string> _messages = Channel.CreateUnbounded<string>();
    private readonly CancellationTokenSource _stopping = new();
    private NodeHealth _health = new(true, null);

    [Fact]
    public async Task RunAsync_NodeKilled_IsRestartedWithAMessage()
    {
        var running = Start();
        (await NextStart()).SetResult(137);
        var again = await NextStart();

        Assert.Equal("api-1 was killed (SIGKILL); restarting in 0.5 s.", await NextLine());
        Assert.Equal("api-1 is healthy again.", await NextLine());

        await _stopping.CancelAsync();
        again.SetResult(null);
        Assert.True(await running);
    }

    [Fact]
    public async Task RunAsync_ExitCode1BeforeHealthy_GivesUp()
    {
        _health = new NodeHealth(false, "does not respond");
        var running = Start();
        (await NextStart()).SetResult(1);

        Assert.False(await Advancing(running));
        Assert.Equal("api-1 cannot start; stopping.", await NextLine());
    }

    [Fact]
    public async Task RunAsync_ExitCode1AfterHealthy_IsRestarted()
    {
        _ = Start();
        (await NextStart()).SetResult(137);
        await NextLine();
        var second = await NextStart();
        await NextLine();
        second.SetResult(1);

        await NextStart();
        Assert.Equal("api-1 exited (exit code 1); restarting in 1 s.", await NextLine());
    }

    [Fact]
    public async Task RunAsync_ExitWhileStopping_IsNotRestarted()
    {
        var running = Start();
        var run = await NextStart();
        await _stopping.CancelAsync();
        run.SetResult(130);

        Assert.True(await running);
        Assert.False(_messages.Reader.TryRead(out _));
        Assert.False(_starts.Reader.TryRead(out _));
    }

    public void Dispose() => _stopping.Dispose();

    private Task<bool> Start()
    {
        var node = new Node("api-1", ClusterPlan.Api, 13004, "START_PORT", new Dictionary<string, string?>());
        return new NodeSupervisor(node, RunOnce, new StartWatch((_, _) => Task.FromResult(_health), _time),
            line => _messages.Writer.TryWrite(line), _time).RunAsync(_stopping.Token);
    }

    private Task<int?> RunOnce()
    {
        var run = new TaskCompletionSource<int?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _starts.Writer.TryWrite(run);
        return run.Task;
    }

    private Task<TaskCompletionSource<int?>> NextStart() => Advancing(_starts.Reader.ReadAsync().AsTask());

    private Task<string> NextLine() => Advancing(_messages.Reader.ReadAsync().AsTask());

    // Advances the clock through the supervisor's delays until the task completes.
    private async Task<T> Advancing<T>(Task<T> task)
    {
        for (var step = 0; step < 2000 && !task.IsCompleted; step++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.WhenAny(task, Task.Delay(1, TestContext.Current.CancellationToken));
        }

        return await task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
    }
}
