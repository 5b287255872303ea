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
    string Name, string Title, Exchange Exchange, int Connections, ClientIdentity Clients, bool IsPaced);
