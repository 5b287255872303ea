using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.EventLoop;

/// <summary>The pipes of one loop: those that hold something for a slow reader, and a few empty ones. For the loop's own thread.</summary>
internal sealed class PipePool
{
    /// <summary>Pipes at once, of two descriptors and up to 256 KiB of the kernel's memory each; beyond, bytes are copied.</summary>
    public const int Max = 64;

    /// <summary>Shorter rests are copied: a pipe costs a call more. In bytes.</summary>
    public const int MinLength = 64 * 1024;

    private const int MaxEmpty = 4;

    private readonly Stack<FrontPipe> _empty = new();
    private int _open;

    /// <summary>Pipes that are open. From any thread.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Takes a pipe for a body, if that pays.</summary>
    /// <param name="left">What is to come of it, in bytes.</param>
    /// <returns>Null when it does not, or when there are as many as there may be.</returns>
    public FrontPipe? TryRent(long left)
    {
        if (left < MinLength)
        {
            return null;
        }

        if (_empty.TryPop(out var pipe))
        {
            return pipe;
        }

        if (_open == Max || FrontPipe.TryOpen() is not { } opened)
        {
            return null;
        }

        Volatile.Write(ref _open, _open + 1);
        return opened;
    }

    /// <summary>Takes a pipe back, empty or not.</summary>
    public void Return(FrontPipe pipe)
    {
        if (pipe.Held == 0 && _empty.Count < MaxEmpty)
        {
            _empty.Push(pipe);
        }
        else
        {
            pipe.Close();
            Volatile.Write(ref _open, _open - 1);
        }
    }

    /// <summary>Closes those that nobody has.</summary>
    public void Close()
    {
        while (_empty.TryPop(out var pipe))
        {
            pipe.Close();
            Volatile.Write(ref _open, _open - 1);
        }
    }
}
