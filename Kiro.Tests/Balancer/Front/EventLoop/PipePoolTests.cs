using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Native;

namespace Kiro.Tests.Balancer.Front.EventLoop;

public sealed class PipePoolTests : IDisposable
{
    private readonly PipePool _pool = new();

    public PipePoolTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "The event loops need Linux.");

    public void Dispose() => _pool.Close();

    [Fact]
    public void TryRent_ShortBody_IsNull()
    {
        Assert.Null(_pool.TryRent(PipePool.MinLength - 1));
        Assert.Equal(0, _pool.Open);
    }

    [Fact]
    public void TryRent_AfterReturn_ReusesThePipe()
    {
        var pipe = _pool.TryRent(PipePool.MinLength);

        _pool.Return(pipe!);

        Assert.Same(pipe, _pool.TryRent(PipePool.MinLength));
        Assert.Equal(1, _pool.Open);
    }

    [Fact]
    public void TryRent_AtTheLimit_IsNullUntilOneIsReturned()
    {
        var pipes = new List<SplicePipe>();
        while (_pool.TryRent(PipePool.MinLength) is { } pipe)
        {
            pipes.Add(pipe);
        }

        Assert.Equal(PipePool.Max, pipes.Count);
        _pool.Return(pipes[0]);
        Assert.NotNull(_pool.TryRent(PipePool.MinLength));
        pipes.ForEach(_pool.Return);
        Assert.InRange(_pool.Open, 1, 4);
    }
}
