using System.Globalization;

namespace Kiro.Tests.Support;

/// <summary>A balancer in a process of its own, for tests of memory, signals and exit codes.</summary>
internal sealed class BalancerProcess : IAsyncDisposable
{
    private BalancerProcess(ServiceProcess process, int port)
    {
        (Process, Port) = (process, port);
        var handler = new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null;
        Http = new HttpClient(handler)
        {
            BaseAddress = new Uri($"{TestedPath.Scheme}://127.0.0.1:{port}"),
        };
    }

    public ServiceProcess Process { get; }

    public int Port { get; }

    /// <summary>Opens a new connection for each request.</summary>
    public HttpClient Http { get; }

    /// <summary>Starts it and waits until it is healthy.</summary>
    /// <param name="hosts">BACKEND_HOSTS.</param>
    /// <param name="settings">Other settings as NAME=value.</param>
    public static Task<BalancerProcess> StartAsync(string hosts, params string[] settings) => StartAsync([], "Kiro.Balancer", hosts, settings);

    /// <summary>Starts a Native AOT build instead.</summary>
    /// <param name="program">The path of a native program.</param>
    /// <param name="hosts">BACKEND_HOSTS.</param>
    /// <param name="settings">Other settings as NAME=value.</param>
    public static Task<BalancerProcess> StartNativeAsync(string program, string hosts, params string[] settings) => StartAsync([], program, hosts, settings);

    /// <summary>Starts it with a limit on file descriptors.</summary>
    /// <param name="descriptors">The hard limit.</param>
    /// <param name="hosts">BACKEND_HOSTS.</param>
    /// <param name="soft">The soft limit, if lower than the hard one.</param>
    public static Task<BalancerProcess> StartLimitedAsync(int descriptors, string hosts, int? soft = null)
    {
        var prlimit = Requirement.Find("prlimit");
        Requirement.Need("prlimit", prlimit is not null, "prlimit is not installed.");
        return StartAsync([prlimit!, string.Create(CultureInfo.InvariantCulture, $"--nofile={soft ?? descriptors}:{descriptors}")], "Kiro.Balancer", hosts, []);
    }

    /// <summary>Starts it on a port that is known beforehand, to its peers for example.</summary>
    public static Task<BalancerProcess> StartOnAsync(int port, string hosts, params string[] settings) =>
        StartAsync([], "Kiro.Balancer", hosts, settings, port);

    private static async Task<BalancerProcess> StartAsync(string[] wrapper, string program, string hosts, string[] settings, int? fixedPort = null)
    {
        while (true)
        {
            var port = fixedPort ?? FreePort.Next();
            var variables = ((string[])[.. TestedPath.Settings(port, hosts), .. settings])
                .Select(setting => setting.Split('=', 2)).GroupBy(parts => parts[0], parts => parts[1]).ToDictionary(values => values.Key, values => values.Last());
            var balancer = new BalancerProcess(
                new ServiceProcess(Directory.CreateTempSubdirectory("kiro-test-").FullName, wrapper, program, variables), port);
            await Eventually.BeTrue(async () => balancer.Process.HasExited || await balancer.IsHealthyAsync(hosts), "the balancer is healthy");
            if (!balancer.Process.HasExited)
            {
                return balancer;
            }

            // Another process took the port in the meantime.
            Assert.Contains("is in use", balancer.Process.Output, StringComparison.Ordinal);
            await balancer.DisposeAsync();
        }
    }

    // If another process took the port, it may respond too, but it does not know these nodes.
    private async Task<bool> IsHealthyAsync(string hosts) =>
        (await Http.GetStringAsync("/lb/status", TestContext.Current.CancellationToken)).Contains($"\"{hosts.Split(',')[0]}\"", StringComparison.Ordinal)
        && (await Http.GetAsync("/health", TestContext.Current.CancellationToken)).IsSuccessStatusCode;

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Process.DisposeAsync();
    }
}
