using System.Diagnostics;
using System.Net.Sockets;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Discovery;

/// <summary>
/// A real DNS server (dnsmasq) with one name, and a balancer that uses it: in a mount namespace
/// with its own /etc/resolv.conf. Needs Linux and root.
/// </summary>
internal sealed class DnsServer : IAsyncDisposable
{
    public const string Name = "api.kiro.test";

    // resolv.conf has no port, so it needs an address of its own.
    private const string Address = "127.53.53.53";

    private readonly string _folder = Directory.CreateTempSubdirectory("kiro-dns-").FullName;
    private readonly string _program;
    private Process? _process;

    public DnsServer()
    {
        _program = Requirement.Find("dnsmasq") ?? "";
        Requirement.Need("dns", _program != "" && Requirement.Find("unshare") is not null, "dnsmasq and unshare are not installed");
        Requirement.Need("dns", Environment.IsPrivilegedProcess, "a mount namespace and port 53 need root");
        File.WriteAllText(ResolvConf, $"nameserver {Address}\noptions timeout:1 attempts:1\n");
        Publish();
    }

    private string Hosts => Path.Combine(_folder, "hosts");

    private string ResolvConf => Path.Combine(_folder, "resolv.conf");

    /// <summary>The addresses of the name from now on; none: it does not exist.</summary>
    public void Publish(params string[] addresses)
    {
        File.WriteAllLines(Hosts, addresses.Select(address => $"{address} {Name}"));
        if (_process is not null)
        {
            ServiceProcess.Signal(_process.Id, "HUP");
        }
    }

    public async Task Start()
    {
        _process = Process.Start(
            _program,
            [
                "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--no-resolv", "--no-hosts", "--addn-hosts=" + Hosts,
                "--local=/kiro.test/", "--bind-interfaces", "--listen-address=" + Address, "--except-interface=lo", "--log-facility=/dev/null",
            ]);
        // Until it responds, SIGHUP would kill it.
        await Eventually.BeTrue(Answers, "the DNS server answers");
    }

    public async Task Stop()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>A balancer that uses this server.</summary>
    public ServiceProcess StartBalancer(IReadOnlyDictionary<string, string> environment) => new(
        _folder,
        // Without the mount, the balancer would use the machine's own servers.
        ["unshare", "--mount", "sh", "-c", "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"", ResolvConf],
        "Kiro.Balancer", environment);

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await Stop();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<bool> Answers()
    {
        using var udp = new UdpClient(Address, 53);
        // One question with RD set: x, type A, class IN.
        await udp.SendAsync((byte[])[0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, (byte)'x', 0, 0, 1, 0, 1]);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        return (await udp.ReceiveAsync(patience.Token)).Buffer.Length > 0;
    }
}
