using System.Net;
using System.Net.Sockets;
using Kiro.Tests.Balancer.Listening.Tls;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening;

/// <summary>A bind error names the setting that caused it.</summary>
public sealed class BindErrorsTests : IDisposable
{
    private readonly TestCertificates _files = new();

    [Theory]
    [InlineData("loop", "BALANCER_PORT={0}", "BALANCER_PORT={0} is in use by another process.")]
    [InlineData("lean", "BALANCER_PORT={0}", "BALANCER_PORT={0} is in use by another process.")]
    [InlineData("loop", "TLS_PORT={0}", "TLS_PORT={0} is in use by another process.")]
    [InlineData("loop", "ADMIN_LISTEN=127.0.0.1:{0}", "ADMIN_LISTEN=127.0.0.1:{0} is in use by another process.")]
    [InlineData("loop", "ADMIN_LISTEN=192.0.2.1:13002", "ADMIN_LISTEN=192.0.2.1:13002 cannot be listened on: this machine has no such address.")]
    [InlineData("loop", "LISTEN_ADDRESS=192.0.2.1", "LISTEN_ADDRESS=192.0.2.1 cannot be listened on: this machine has no such address.")]
    [InlineData("lean", "LISTEN_ADDRESS=192.0.2.1", "LISTEN_ADDRESS=192.0.2.1 cannot be listened on: this machine has no such address.")]
    public async Task Start_OnWhatCannotBeListenedOn_IsOneLineThatNamesTheSetting(string forwarder, string setting, string line)
    {
        _files.Write("a", ["a.example"]);
        using var taken = new TcpListener(IPAddress.IPv6Any, FreePort.Next());
        taken.Server.DualMode = true;
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var pair = string.Format(System.Globalization.CultureInfo.InvariantCulture, setting, port).Split('=', 2);
        var variables = new Dictionary<string, string>
        {
            ["FORWARDER"] = forwarder,
            ["BALANCER_PORT"] = $"{FreePort.Next()}",
            ["TLS_PORT"] = $"{FreePort.Next()}",
            ["TLS_CERTIFICATES"] = _files.Folder,
            [pair[0]] = pair[1],
        };

        await using var balancer = new ServiceProcess("Kiro.Balancer", variables);

        Assert.Equal(1, await balancer.ExitCode());
        var expected = string.Format(System.Globalization.CultureInfo.InvariantCulture, line, port);
        Assert.Contains(expected, balancer.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", balancer.Output, StringComparison.Ordinal);
    }

    public void Dispose() => _files.Dispose();
}
