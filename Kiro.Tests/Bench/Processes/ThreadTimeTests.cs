using Kiro.SideBySide.Processes;
using Kiro.Tests.Support;

namespace Kiro.Tests.Bench.Processes;

public sealed class ThreadTimeTests
{
    [Fact]
    public async Task Of_BusyThread_IsCountedUnderItsName()
    {
        var isDone = false;
        var thread = new Thread(() => SpinWait.SpinUntil(() => Volatile.Read(ref isDone))) { Name = "kiro.works", IsBackground = true };
        thread.Start();
        try
        {
            await Eventually.BeTrue(() => ThreadTime.Of(Environment.ProcessId, "kiro.works") > TimeSpan.Zero, "the thread's time is counted");
            Assert.Equal(TimeSpan.Zero, ThreadTime.Of(Environment.ProcessId, "kiro.rests"));
        }
        finally
        {
            Volatile.Write(ref isDone, true);
            thread.Join();
        }
    }
}
