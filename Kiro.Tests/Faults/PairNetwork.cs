using System.Diagnostics;
using System.Globalization;
using Kiro.Tests.Support;

namespace Kiro.Tests.Faults;

/// <summary>Two hosts on a switch with this machine, made of network namespaces, in the benchmarking address range (RFC 2544).</summary>
internal sealed class PairNetwork : IDisposable
{
    private readonly string _name = string.Create(CultureInfo.InvariantCulture, $"kiro{Environment.ProcessId}");
    private readonly string _prefix = string.Create(CultureInfo.InvariantCulture, $"198.18.{Environment.ProcessId % 250}");

    private PairNetwork()
    {
    }

    public string Ip { get; } = Requirement.Find("ip") ?? "ip";

    public string Range => $"{_prefix}.0/24";

    /// <summary>This machine's address.</summary>
    public string Outside => $"{_prefix}.1";

    /// <summary>The virtual address that the hosts share.</summary>
    public string Shared => $"{_prefix}.10";

    private string Switch => $"{_name}-switch";

    /// <returns>Null if creating network namespaces is not permitted.</returns>
    public static PairNetwork? TryCreate()
    {
        var network = new PairNetwork();
        if (!network.TryIp("netns", "add", network.Switch))
        {
            return null;
        }

        try
        {
            network.Build();
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>The namespace of a host.</summary>
    public string Host(int host) => $"{_name}-{host}";

    public string AddressOf(int host) => $"{_prefix}.{2 + host}";

    public bool HasShared(int host) => Run(host, Ip, "-o", "-4", "address", "show", "dev", "eth0").Contains($" {Shared}/", StringComparison.Ordinal);

    public void Cut(int host) => RunIp("-n", Switch, "link", "set", Port(host), "down");

    /// <summary>Runs a program on a host and returns its output.</summary>
    public string Run(int host, string program, params string[] arguments)
    {
        var (code, output) = Execute([Ip, "netns", "exec", Host(host), program, .. arguments]);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)}: {output}");
        return output;
    }

    public void Dispose()
    {
        // The kernel destroys a namespace asynchronously; until then this end of the veth pair would keep its name.
        TryIp("link", "delete", _name);
        foreach (var space in (string[])[Host(0), Host(1), Switch])
        {
            TryIp("netns", "delete", space);
        }
    }

    private void Build()
    {
        RunIp("-n", Switch, "link", "add", "br0", "type", "bridge");
        RunIp("-n", Switch, "link", "set", "br0", "up");
        foreach (var host in (int[])[0, 1])
        {
            RunIp("netns", "add", Host(host));
            RunIp("-n", Host(host), "link", "set", "lo", "up");
            RunIp("link", "add", "eth0", "netns", Host(host), "type", "veth", "peer", "name", Port(host), "netns", Switch);
            RunIp("-n", Host(host), "address", "add", $"{AddressOf(host)}/24", "dev", "eth0");
            RunIp("-n", Host(host), "link", "set", "eth0", "up");
            RunIp("-n", Switch, "link", "set", Port(host), "master", "br0", "up");
        }

        RunIp("link", "add", _name, "type", "veth", "peer", "name", "outside", "netns", Switch);
        RunIp("address", "add", $"{Outside}/24", "dev", _name);
        RunIp("link", "set", _name, "up");
        RunIp("-n", Switch, "link", "set", "outside", "master", "br0", "up");
    }

    private static string Port(int host) => string.Create(CultureInfo.InvariantCulture, $"port{host}");

    private bool TryIp(params string[] arguments) => Execute([Ip, .. arguments]).Code == 0;

    private void RunIp(params string[] arguments)
    {
        var (code, output) = Execute([Ip, .. arguments]);
        Assert.True(code == 0, $"ip {string.Join(' ', arguments)}: {output}");
    }

    private static (int Code, string Output) Execute(string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }
}
