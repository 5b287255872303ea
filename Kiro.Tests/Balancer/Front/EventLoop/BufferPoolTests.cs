using Kiro.Balancer.Front.EventLoop;

namespace Kiro.Tests.Balancer.Front.EventLoop;

public sealed class BufferPoolTests
{
    private readonly BufferPool _pool = new();

    [Theory]
    [InlineData(0, 1024)]
    [InlineData(1, 1024)]
    [InlineData(1024, 1024)]
    [InlineData(1025, 2048)]
    [InlineData(4096, 4096)]
    [InlineData(70_000, 131_072)]
    [InlineData(BufferPool.MaxSize, BufferPool.MaxSize)]
    public void Rent_AnyLength_IsEnoughAndCounted(int length, int size)
    {
        var buffer = _pool.Rent(length);

        Assert.Equal(size, buffer.Length);
        Assert.Equal(size, _pool.Held);
        _pool.Return(buffer);
        Assert.Equal(0, _pool.Held);
        Assert.Same(buffer, _pool.Rent(length));
    }
}
