using Kiro.SideBySide.Load;
using Kiro.SideBySide.Proxies;

namespace Kiro.SideBySide.Measuring;

/// <summary>One kind of load.</summary>
/// <param name="Name">For the command line.</param>
/// <param name="Title">For tables and charts.</param>
/// <param name="Exchange">What is asked, and answered.</param>
/// <param name="Connections">Open at once.</param>
/// <param name="Clients">How clients differ.</param>
/// <param name="IsPaced">Whether requests come at a constant rate, rather than one after the other.</param>
internal sealed record Scenario(
    string Name, string Title, Exchange Exchange, int Connections, ClientIdentity Clients, bool IsPaced)
{
    /// <summary>What clients speak.</summary>
    public LoadKind Kind { get; init; }

    /// <summary>Every request has a connection of its own.</summary>
    public bool ConnectsEachTime { get; init; }

    /// <summary>Connections that have had one request and then wait, beside those that are busy.</summary>
    public int IdleConnections { get; init; }

    /// <summary>Clients that ask for a megabyte and read it slowly, beside those that are measured.</summary>
    public int SlowReaders { get; init; }

    /// <summary>Proxy, load and backends share all cores, and proxies run as many workers.</summary>
    public bool UsesAllCores { get; init; }
}
