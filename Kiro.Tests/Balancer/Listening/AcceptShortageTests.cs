using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening;

/// <summary>The system gives no descriptor for a connection that waits (EMFILE): nobody is refused, and nobody spins.</summary>
public class AcceptShortageTests
{
    [Fact]
    public async Task Accept_NoDescriptorLeft_WaitsAndServesOnceThereIsOne()
    {
        var prlimit = Requirement.Find("prlimit");
        Requirement.Need("prlimit", prlimit is not null, "no prlimit is installed.");
        await using var node = RawBackend.Responding();
        await using var balancer = await BalancerProcess.StartAsync(node.Host, "FRONT_LOOPS=2");
        var descriptors = new DirectoryInfo($"/proc/{balancer.Process.Id}/fd");
        Assert.Equal("ok", await balancer.Http.GetStringAsync("/", TestContext.Current.CancellationToken));

        // The lowest that is free is above the limit: whatever asks for one gets none.
        var open = await SettledAsync(descriptors);
        var lowest = Enumerable.Range(0, 10_000).First(number => !open.Contains(number));
        await LimitAsync(prlimit!, balancer, lowest);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, balancer.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        await Eventually.BeTrue(() => balancer.Process.Output.Contains("Client connections are waiting", StringComparison.Ordinal), "it says so");
        var before = TimeOf(balancer);
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        var spent = TimeOf(balancer) - before;
        Assert.Equal(0, socket.Available);
        // A loop that spins takes all of that second.
        Assert.InRange(spent, TimeSpan.Zero, TimeSpan.FromSeconds(0.6));

        await LimitAsync(prlimit!, balancer, 1000);
        var answer = new byte[1024];
        var length = await socket.ReceiveAsync(answer, TestContext.Current.CancellationToken);
        Assert.StartsWith("HTTP/1.1 200 OK", Encoding.ASCII.GetString(answer, 0, length), StringComparison.Ordinal);
        Assert.False(balancer.Process.HasExited, balancer.Process.Output);
        Assert.Equal("ok", await balancer.Http.GetStringAsync("/", TestContext.Current.CancellationToken));
    }

    // The connections of what was asked so far are closed at any moment, and each would leave a descriptor.
    private static async Task<HashSet<int>> SettledAsync(DirectoryInfo descriptors)
    {
        var (open, same) = (new HashSet<int>(), 0);
        await Eventually.BeTrue(
            () =>
            {
                var now = descriptors.EnumerateFileSystemInfos().Select(entry => int.Parse(entry.Name, CultureInfo.InvariantCulture)).ToHashSet();
                (same, open) = (now.SetEquals(open) ? same + 1 : 0, now);
                return same == 20;
            },
            "the descriptors stay as they are");
        return open;
    }

    private static TimeSpan TimeOf(BalancerProcess balancer)
    {
        using var process = Process.GetProcessById(balancer.Process.Id);
        return process.TotalProcessorTime;
    }

    private static async Task LimitAsync(string prlimit, BalancerProcess balancer, int soft)
    {
        using var process = Process.Start(prlimit, [$"--pid={balancer.Process.Id}", $"--nofile={soft}:"])!;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
    }
}

[OverLean]
public sealed class AcceptShortageOverLeanTests : AcceptShortageTests;
