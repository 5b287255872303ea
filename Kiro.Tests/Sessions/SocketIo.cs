using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Sessions;

/// <summary>socket.io on Node.js: a counter per socket, and clients with distinct addresses.</summary>
/// <param name="transports">The transports of <c>socket.io-client</c>, separated by commas.</param>
internal sealed class SocketIo(string transports) : ISessionProgram
{
    private const string Server =
        """
        const [port, name] = process.argv.slice(1);
        const http = require("http").createServer((request, response) => response.end(JSON.stringify({ status: "ok", node: name })));
        const io = new (require("socket.io").Server)(http, { pingInterval: 500 });
        io.on("connection", socket => { let count = 0; socket.on("use", reply => reply(name, ++count)); });
        http.listen(Number(port), "127.0.0.1");
        """;

    // A client that lost its session reconnects by itself and sends its buffered events.
    private const string Clients =
        """
        const [url, count, transports] = process.argv.slice(1);
        const { io } = require("socket.io-client");
        const sockets = Array.from({ length: Number(count) }, (_, client) => io(url, {
          transports: transports.split(","), forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200,
          extraHeaders: { "X-Forwarded-For": `203.0.113.${client + 1}` } }));
        const use = async socket => {
          for (;;) {
            try { return await new Promise((done, failed) => socket.timeout(10000).emit("use", (error, node, count) => error ? failed(error) : done([node, count]))); }
            catch { }
          }
        };
        require("readline").createInterface({ input: process.stdin }).on("line", async () => {
          console.log(JSON.stringify(await Promise.all(sockets.map(use))));
        }).on("close", () => process.exit());
        """;

    private static readonly string Modules = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache : Path.Combine(Environment.GetEnvironmentVariable("HOME") ?? "/", ".cache"),
        "kiro-socketio", "node_modules");

    private readonly Dictionary<int, Process> _nodes = [];
    private Process? _clients;

    /// <summary>Skips the test if Node.js or socket.io is not installed.</summary>
    public static void Need()
    {
        Requirement.Need("socketio", Requirement.Find("node") is not null, "Node.js is not installed.");
        Requirement.Need("socketio", Directory.Exists(Path.Combine(Modules, "socket.io-client")), "socket.io is not installed: see .ci/socketio.");
    }

    public Task StartNodeAsync(int number, int port)
    {
        _nodes[number] = Start(Server, port.ToString(CultureInfo.InvariantCulture), $"node-{number}");
        return Task.CompletedTask;
    }

    public async Task StopNodeAsync(int number)
    {
        _nodes.Remove(number, out var node);
        await EndAsync(node!);
    }

    public Task ConnectAsync(int count, int balancer)
    {
        _clients = Start(Clients, $"http://127.0.0.1:{balancer}", count.ToString(CultureInfo.InvariantCulture), transports);
        return Task.CompletedTask;
    }

    public async Task<IReadOnlyList<SessionUse>> UseAsync()
    {
        await _clients!.StandardInput.WriteLineAsync("use");
        await _clients.StandardInput.FlushAsync();
        var line = await _clients.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(Eventually.Patience));
        using var uses = JsonDocument.Parse(line!);
        return [.. uses.RootElement.EnumerateArray().Select(use => new SessionUse(use[0].GetString()!, use[1].GetInt32()))];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _nodes.Values.Append(_clients).OfType<Process>())
        {
            await EndAsync(process);
        }
    }

    private static Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(Requirement.Find("node")!, ["-e", program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["NODE_PATH"] = Modules;
        return Process.Start(start)!;
    }

    private static async Task EndAsync(Process process)
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
