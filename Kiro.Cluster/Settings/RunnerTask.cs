namespace Kiro.Cluster.Settings;

/// <summary>What the command line asks for.</summary>
internal enum RunnerTask
{
    /// <summary>Run a cluster.</summary>
    Run,

    /// <summary><c>status</c>: look at one that runs.</summary>
    Status,

    /// <summary><c>--help</c></summary>
    Help,

    /// <summary><c>--version</c></summary>
    Version,
}
