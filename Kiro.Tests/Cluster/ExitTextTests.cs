using Kiro.Cluster.Supervision;

namespace Kiro.Tests.Cluster;

public class ExitTextTests
{
    [Theory]
    [InlineData(0, "exited (exit code 0)")]
    [InlineData(1, "exited (exit code 1)")]
    [InlineData(134, "was killed (SIGABRT)")]
    [InlineData(137, "was killed (SIGKILL)")]
    [InlineData(139, "was killed (SIGSEGV)")]
    [InlineData(143, "was killed (SIGTERM)")]
    [InlineData(200, "exited (exit code 200)")]
    public void Of_ExitCode_NamesTheSignal(int exitCode, string expected) => Assert.Equal(expected, ExitText.Of(exitCode));
}
