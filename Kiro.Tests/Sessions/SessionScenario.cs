using System.Globalization;
using Kiro.Balancer.Backends;
using Kiro.Tests.Support;

namespace Kiro.Tests.Sessions;

/// <summary>
/// Three instances of a program behind Kiro, with clients in sessions. A fourth joins and gets most of the
/// weight; a node is drained and resumed, dies and returns. Only sessions on the node that died may be lost.
/// </summary>
internal sealed class SessionScenario : IAsyncDisposable
{
    private const int Known = 4;

    private readonly ISessionProgram _program;
    private readonly TestBalancer _balancer;
    private readonly int _firstPort;
    private readonly List<string> _steps = [];
    private IReadOnlyList<SessionUse> _last = [];

    private SessionScenario(ISessionProgram program, TestBalancer balancer, int firstPort) =>
        (_program, _balancer, _firstPort) = (program, balancer, firstPort);

    /// <summary>Sessions lost although their node was up.</summary>
    public int LostNeedlessly { get; private set; }

    /// <summary>Runs the scenario.</summary>
    /// <param name="name">The name in the report.</param>
    /// <param name="program">The program.</param>
    /// <param name="clients">The number of clients.</param>
    /// <param name="idle">SESSION_IDLE in seconds.</param>
    /// <returns>The number of sessions lost although their node was up.</returns>
    public static async Task<int> PlayAsync(string name, ISessionProgram program, int clients, int idle = 600)
    {
        var firstPort = FreePort.Range(Known);
        for (var number = 1; number < Known; number++)
        {
            await program.StartNodeAsync(number, firstPort + number - 1);
        }

        var hosts = string.Join(',', Enumerable.Range(firstPort, Known).Select(port => $"127.0.0.1:{port}"));
        await using var scenario = new SessionScenario(
            program,
            await TestBalancer.StartUnreadyAsync(hosts, $"SESSION_IDLE={idle}", "HEALTH_INTERVAL=0.3", "HEALTH_RISE=1", "STREAM_GRACE=0.2", "ADMIN_TOKEN=secret"),
            firstPort);
        await scenario.UpAsync(Known - 1);
        await program.ConnectAsync(clients, scenario._balancer.Port);
        scenario._last = await program.UseAsync();
        await scenario.UseAllAsync(gone: null);
        await scenario.PlayAsync();
        Report.WriteLine($"{name}, SESSION_IDLE={idle}: {clients} sessions; {string.Join("; ", scenario._steps)}");
        return scenario.LostNeedlessly;
    }

    public ValueTask DisposeAsync() => _balancer.DisposeAsync();

    private async Task PlayAsync()
    {
        await _program.StartNodeAsync(Known, _firstPort + Known - 1);
        await UpAsync(Known);
        await StepAsync("a node joins", null);
        await PostAsync(Known, "weight", """{"weight": 20}""");
        await StepAsync("it gets most of the weight", null);

        var node = NumberOf(_last[0].Node);
        await PostAsync(node, "drain");
        await Eventually.BeTrue(() => StateOf(node) == BackendState.Draining, "the node drains");
        // Time for streams to be closed, if anything closed them.
        await Task.Delay(1500, TestContext.Current.CancellationToken);
        await StepAsync("drain", null);
        await PostAsync(node, "resume");
        await Eventually.BeTrue(() => StateOf(node) == BackendState.Up, "the node is up");
        await StepAsync("resume", null);

        node = NumberOf(_last[0].Node);
        await _program.StopNodeAsync(node);
        await Eventually.BeTrue(() => StateOf(node) == BackendState.Down, "the node is down");
        await StepAsync("a node dies", $"node-{node}");
        await _program.StartNodeAsync(node, _firstPort + node - 1);
        await UpAsync(Known);
        await StepAsync("it returns", null);
    }

    private async Task StepAsync(string what, string? gone)
    {
        var affected = gone is null ? 0 : _last.Count(use => use.Node == gone);
        var lost = await UseAllAsync(gone);
        _steps.Add(string.Create(CultureInfo.InvariantCulture, $"{what}: {_last.Count - lost} kept, {lost} lost{(gone is null ? "" : $" ({affected} with their node)")}"));
    }

    private async Task<int> UseAllAsync(string? gone)
    {
        var lost = new HashSet<int>();
        for (var round = 0; round < 3; round++)
        {
            var now = await _program.UseAsync();
            for (var client = 0; client < now.Count; client++)
            {
                if (now[client] != new SessionUse(_last[client].Node, _last[client].Count + 1))
                {
                    lost.Add(client);
                    LostNeedlessly += _last[client].Node == gone ? 0 : 1;
                }
            }

            _last = now;
        }

        return lost.Count;
    }

    private Task UpAsync(int count) =>
        Eventually.BeTrue(() => Enumerable.Range(1, Known).Count(number => StateOf(number) == BackendState.Up) == count, $"{count} nodes are up");

    private BackendState StateOf(int number) => _balancer.Backend(_firstPort + number - 1).Health.State;

    private async Task PostAsync(int number, string action, string? body = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/lb/backends/127.0.0.1:{_firstPort + number - 1}/{action}");
        request.Headers.Authorization = new("Bearer", "secret");
        request.Content = body is null ? null : new StringContent(body);
        (await _balancer.Http.SendAsync(request, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
    }

    private static int NumberOf(string node) => int.Parse(node.AsSpan("node-".Length), CultureInfo.InvariantCulture);
}
