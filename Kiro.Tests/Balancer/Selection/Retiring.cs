using Kiro.Balancer.Selection;

namespace Kiro.Tests.Balancer.Selection;

/// <summary>Cancels the table of a ranking, so that it takes no time from the next test.</summary>
internal sealed class Retiring(Rendezvous ranking) : IDisposable
{
    public Rendezvous Ranking => ranking;

    public void Dispose() => ranking.Retire();
}
