namespace Kiro.Tests.Support;

/// <summary>A node that can be frozen: connections are still accepted, but neither requests nor probes get a response.</summary>
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

    public void Resume() => _process.Signal("CONT");

    public async ValueTask DisposeAsync()
    {
        Resume();
        await _process.DisposeAsync();
    }
}
