using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;

namespace Kiro.Tests.Balancer.Selection;

/// <summary>The mapping of a thousand clients, fixed for all versions.</summary>
public sealed class GoldenTableTests
{
    internal static readonly Candidate[] Known =
    [
        new("api-1:13004", 1), new("api-2:13004", 1), new("api-3:13004", 1), new("10.0.0.4:13004", 1), new("127.0.0.1:13008", 1),
        new("[2001:db8::6]:13004", 2), new("api-7.example.org:80", 0.5), new("api-8:13004", 3.25),
    ];

    [Fact]
    public void Mapping_ThousandClients_IsUnchanged()
    {
        var hash = new ClientHash(new HashingOptions(HashingOptions.DefaultSeed, 32, 64));
        using var ranking = new Retiring(Known.Rank());
        var lines = Table();

        var differences = lines
            .Select(line => (line.Client, line.Node, Now: ranking.Ranking.Of(hash.Slot(ClientAddress.From(IPAddress.Parse(line.Client))))))
            .Where(line => line.Node != line.Now)
            .Select(line => $"{line.Client}: {line.Node} became {line.Now}")
            .ToList();

        Assert.Equal(1000, lines.Count);
        Assert.True(differences.Count == 0,
            $"""
            {differences.Count} of {lines.Count} clients have another node than in golden.csv. With this version most users'
            clients would lose their node on upgrade, and balancers of both versions side by side would disagree about them.
            Do not adapt the table: undo the change to address, seed, slot, hash or score.
            {string.Join('\n', differences.Take(5))}
            """);
    }

    [Fact]
    public void Table_OfAThousandClients_HasEveryNodeAndBothFamilies()
    {
        var lines = Table();

        Assert.Equal(Known.Select(node => node.Id).Order(), lines.Select(line => line.Node).Distinct().Order());
        Assert.Equal(500, lines.Count(line => line.Client.Contains(':')));
    }

    internal static List<(string Client, string Node)> Table()
    {
        using var stream = typeof(GoldenTableTests).Assembly.GetManifestResourceStream("golden.csv")!;
        using var reader = new StreamReader(stream);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split(',')).Select(parts => (parts[0], parts[1]))];
    }
}
