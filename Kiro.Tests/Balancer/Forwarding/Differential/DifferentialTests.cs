using CsCheck;

namespace Kiro.Tests.Balancer.Forwarding.Differential;

/// <summary>Both paths give the node the same request and the client the same answer, whatever the two of them do.</summary>
public sealed class DifferentialTests
{
    [Fact]
    public async Task Cases_Random_ComeOutTheSameOverBothPaths()
    {
        await using var paths = await BothPaths.StartAsync();

        await Cases.Any.SampleAsync(
            async played =>
            {
                var (lean, yarp) = await paths.PlayAsync(played);
                Assert.True(lean == yarp, $"{played}\nlean: {lean}\nyarp: {yarp}");
            },
            iter: 400, threads: 1);
    }
}
