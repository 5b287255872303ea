namespace Kiro.Cluster.Status;

/// <summary>What came of asking a balancer for its status: a document, or a problem.</summary>
/// <param name="Document">Null when there was a problem.</param>
/// <param name="Json">The document as it was sent.</param>
/// <param name="Problem">To follow the address; null when there was none.</param>
internal sealed record StatusAnswer(StatusDocument? Document, string Json, string? Problem)
{
    public static StatusAnswer Failed(string problem) => new(null, "", problem);
}
