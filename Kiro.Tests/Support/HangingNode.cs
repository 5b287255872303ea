namespace Kiro.Tests.Support;

/// <summary>A node that can stop answering anything, its probes too, while it goes on accepting connections.</summary>
internal sealed class HangingNode : IAsyncDisposable
{
    private readonly ServiceProcess _process;

    public HangingNode()
    {
        Port = FreePort.Next();
        _process = new ServiceProcess("Kiro.Api", new Dictionary<string, string>
        {
            ["PORT"] = Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
        });
    }

    public int Port { get; }

    public void Hang() => _process.Signal("STOP");

    public void GoOn() => _process.Signal("CONT");

    public async ValueTask DisposeAsync()
    {
        GoOn();
        await _process.DisposeAsync();
    }
}
