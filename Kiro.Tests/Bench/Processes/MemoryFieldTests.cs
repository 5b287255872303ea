using Kiro.SideBySide.Processes;

namespace Kiro.Tests.Bench.Processes;

public sealed class MemoryFieldTests
{
    private const string Status = "Name:\tnginx\nVmPeak:\t   70000 kB\nVmHWM:\t    5120 kB\nVmRSS:\t    4096 kB\nThreads:\t1\n";

    [Fact]
    public void Read_Field_IsBytes() => Assert.Equal(5120 * 1024, MemoryField.Read(Status, "VmHWM"));

    [Theory]
    [InlineData("VmHW")]
    [InlineData("Threads")]
    [InlineData("Pss")]
    public void Read_OtherField_IsRejected(string name) => Assert.Throws<FormatException>(() => MemoryField.Read(Status, name));
}
