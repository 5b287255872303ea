using System.Diagnostics;
using System.Globalization;
using Kiro.Tests.Support;

namespace Kiro.Tests.Faults;

/// <summary>Two hosts and this machine on one switch, each a network namespace, in a range for such tests (RFC 2544).</summary>
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

    /// <summary>The address that the hosts share.</summary>
    public string Shared => $"{_prefix}.10";

    private string Switch => $"{_name}-switch";

    /// <returns>Null where it is not allowed.</returns>
    public static PairNetwork? TryMake()
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

    public void Cut(int host) => Must("-n", Switch, "link", "set", Plug(host), "down");

    /// <summary>Runs a program on a host; returns what it printed.</summary>
    public string Run(int host, string program, params string[] arguments)
    {
        var (code, output) = Execute([Ip, "netns", "exec", Host(host), program, .. arguments]);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)}: {output}");
        return output;
    }

    public void Dispose()
    {
        // The kernel takes a deleted namespace apart in its own time: until then this end, and so its name, would stay.
        TryIp("link", "delete", _name);
        foreach (var space in (string[])[Host(0), Host(1), Switch])
        {
            TryIp("netns", "delete", space);
        }
    }

    private void Build()
    {
        Must("-n", Switch, "link", "add", "br0", "type", "bridge");
        Must("-n", Switch, "link", "set", "br0", "up");
        foreach (var host in (int[])[0, 1])
        {
            Must("netns", "add", Host(host));
            Must("-n", Host(host), "link", "set", "lo", "up");
            Must("link", "add", "eth0", "netns", Host(host), "type", "veth", "peer", "name", Plug(host), "netns", Switch);
            Must("-n", Host(host), "address", "add", $"{AddressOf(host)}/24", "dev", "eth0");
            Must("-n", Host(host), "link", "set", "eth0", "up");
            Must("-n", Switch, "link", "set", Plug(host), "master", "br0", "up");
        }

        Must("link", "add", _name, "type", "veth", "peer", "name", "outside", "netns", Switch);
        Must("address", "add", $"{Outside}/24", "dev", _name);
        Must("link", "set", _name, "up");
        Must("-n", Switch, "link", "set", "outside", "master", "br0", "up");
    }

    private static string Plug(int host) => string.Create(CultureInfo.InvariantCulture, $"plug{host}");

    private bool TryIp(params string[] arguments) => Execute([Ip, .. arguments]).Code == 0;

    private void Must(params string[] arguments)
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
