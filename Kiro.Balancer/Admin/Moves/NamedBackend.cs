using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Admin.Moves;

/// <summary>Finds the one node that somebody named by its id, or by the name that it gives itself.</summary>
/// <param name="Backend">The node; null when there is not exactly one.</param>
/// <param name="Status">Then 404 or 409, else 200.</param>
/// <param name="Problem">Then the reason, in one line.</param>
internal readonly record struct NamedBackend(KnownBackend? Backend, int Status, string? Problem)
{
    private const int MaxShown = 60;

    public static NamedBackend Of(BackendSnapshot snapshot, string name) => snapshot.Find(name) switch
    {
        [var backend] => new(backend, StatusCodes.Status200OK, null),
        [] => new(null, StatusCodes.Status404NotFound, $"no such node: {Shortened(name)}"),
        var several => new(null, StatusCodes.Status409Conflict,
            $"several nodes are called {Shortened(name)}, ask for one by its id: {string.Join(", ", several.Select(node => node.Id))}"),
    };

    public static NodeName NameOf(KnownBackend backend) => new(backend.Id, backend.Health.Node);

    // One line, whatever was sent.
    private static string Shortened(string name)
    {
        var line = string.Concat(name.Where(c => !char.IsControl(c)));
        return line.Length > MaxShown ? line[..MaxShown] + "…" : line;
    }
}
