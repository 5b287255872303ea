namespace Kiro.Tests.Support;

/// <summary>A balancer in a process of its own, for what only a process shows: memory, signals, exit codes.</summary>
internal sealed class BalancerProcess : IAsyncDisposable
{
    private BalancerProcess(ServiceProcess process, int port)
    {
        (Process, Port) = (process, port);
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero })
        {
            BaseAddress = new Uri($"http://127.0.0.1:{port}"),
        };
    }

    public ServiceProcess Process { get; }

    public int Port { get; }

    /// <summary>Opens a connection for each request.</summary>
    public HttpClient Http { get; }

    /// <summary>Starts it and waits until it is healthy.</summary>
    /// <param name="hosts">BACKEND_HOSTS.</param>
    /// <param name="settings">Other variables as NAME=value.</param>
    public static async Task<BalancerProcess> StartAsync(string hosts, params string[] settings)
    {
        var port = FreePort.Next();
        var variables = ((string[])[$"BALANCER_PORT={port}", $"BACKEND_HOSTS={hosts}", .. settings])
            .Select(setting => setting.Split('=', 2)).ToDictionary(parts => parts[0], parts => parts[1]);
        var balancer = new BalancerProcess(new ServiceProcess("Kiro.Balancer", variables), port);
        await Eventually.BeTrue(async () => (await balancer.Http.GetAsync("/health")).IsSuccessStatusCode, "the balancer is healthy");
        return balancer;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Process.DisposeAsync();
    }
}
