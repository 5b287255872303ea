using Dapper;
using Kiro.Api.Database;

namespace Kiro.Api.Nodes;

/// <summary>The nodes in the database.</summary>
internal sealed class NodeStore(DatabaseAccess database, NodeIdentity self, NodeOptions options, TimeProvider time)
{
    private static readonly TimeSpan Remembered = TimeSpan.FromHours(1);

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Records this node's heartbeat and reads the other nodes.</summary>
    public Task<IReadOnlyList<NodeResponse>> HeartbeatAsync(CancellationToken cancellationToken) =>
        database.WriteAsync<IReadOnlyList<NodeResponse>>(
            async connection =>
            {
                await connection.ExecuteAsync(
                    """
                    REPLACE INTO nodes (name, instance, address, version, started_at, last_heartbeat, stopped)
                    VALUES (@Name, @Instance, @Address, @Version, @StartedAt, @Now, 0)
                    """,
                    new { self.Name, self.Instance, self.Address, self.Version, StartedAt = self.StartedAt.ToUnixTimeMilliseconds(), Now });
                var rows = (await connection.QueryAsync<NodeRow>(
                    """
                    SELECT name AS Name, address AS Address, version AS Version, started_at AS StartedAt,
                           last_heartbeat AS LastHeartbeat, stopped AS Stopped
                    FROM nodes ORDER BY name
                    """)).AsList();
                var limit = Now - (long)(options.GoneAfter + Remembered).TotalMilliseconds;
                foreach (var old in rows.Where(row => row.LastHeartbeat < limit))
                {
                    // By key, and only if it is still gone, so that nodes do not block each other.
                    await connection.ExecuteAsync(
                        "DELETE FROM nodes WHERE name = @Name AND last_heartbeat < @limit", new { old.Name, limit });
                }

                return [.. rows.Where(row => row.LastHeartbeat >= limit).Select(ResponseOf)];
            },
            cancellationToken);

    /// <summary>Marks this node as stopped, unless another process already uses its name.</summary>
    public Task<int> StopAsync(CancellationToken cancellationToken) =>
        database.WriteAsync(
            connection => connection.ExecuteAsync(
                "UPDATE nodes SET stopped = 1, last_heartbeat = @Now WHERE name = @Name AND instance = @Instance",
                new { Now, self.Name, self.Instance }),
            cancellationToken);

    private NodeResponse ResponseOf(NodeRow row) => new(
        row.Name, row.Address, row.Version,
        DateTimeOffset.FromUnixTimeMilliseconds(row.StartedAt),
        DateTimeOffset.FromUnixTimeMilliseconds(row.LastHeartbeat),
        row.Stopped != 0 ? "stopped"
        : Now - row.LastHeartbeat > options.GoneAfter.TotalMilliseconds ? "gone"
        : "up");
}

/// <summary>One node in the database. Times are Unix milliseconds.</summary>
internal sealed record NodeRow(
    string Name, string Address, string Version, long StartedAt, long LastHeartbeat, long Stopped);
