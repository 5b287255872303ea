namespace Kiro.Cluster.Status;

/// <summary>The command line of <c>status</c>.</summary>
/// <param name="Url"><c>--url</c>: the balancer; null for the one of this machine.</param>
/// <param name="Watch"><c>--watch</c>: asks again every 2 s.</param>
/// <param name="Json"><c>--json</c>: the answer as it is.</param>
internal sealed record StatusOptions(Uri? Url, bool Watch, bool Json);
