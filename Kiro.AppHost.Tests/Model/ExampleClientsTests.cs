using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kiro.AppHost.Tests.Support;
using Kiro.Tests.Support;

namespace Kiro.AppHost.Tests.Model;

/// <summary>The example clients in the README map to the same nodes under Aspire, checked with a real balancer and the nodes of the model.</summary>
public sealed partial class ExampleClientsTests
{
    [Fact]
    public async Task Balancer_NodesOfTheModel_MapsClientsAsInTheReadme()
    {
        var model = await AppHostModel.OfAsync();
        var names = new Dictionary<string, string>();
        foreach (var number in Enumerable.Range(1, 5))
        {
            var node = await model.EnvironmentAsync("api-" + number);
            names.Add("127.0.0.1:" + node["PORT"], node["NODE_NAME"]);
        }

        // Under Aspire, the list has running nodes only. The balancer's port differs from the model, since a running AppHost may use that.
        var folder = Directory.CreateTempSubdirectory("kiro-test-").FullName;
        var environment = await model.EnvironmentAsync("balancer");
        environment["BACKEND_FILE"] = Path.Combine(folder, "nodes");
        await File.WriteAllLinesAsync(environment["BACKEND_FILE"], names.Keys, TestContext.Current.CancellationToken);
        environment["BALANCER_PORT"] = FreePort.Next().ToString(CultureInfo.InvariantCulture);
        await using var balancer = new ServiceProcess(folder, [], Publisher.ServiceProgram("Kiro.Balancer"), environment);
        using var http = new HttpClient { BaseAddress = new Uri("http://127.0.0.1:" + environment["BALANCER_PORT"]) };
        await Eventually.BeTrue(async () => (await http.GetAsync("/alive", TestContext.Current.CancellationToken)).IsSuccessStatusCode, "the balancer is running");

        var readme = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "README.md"), TestContext.Current.CancellationToken);
        var clients = Client().Matches(readme).Select(match => match.Groups[1].Value).ToList();
        var documented = Served().Match(readme);
        Assert.Equal(2, clients.Count);
        Assert.True(documented.Success);
        Assert.Equal([documented.Groups[1].Value, documented.Groups[2].Value], [await NodeOfAsync(clients[0]), await NodeOfAsync(clients[1])]);

        // The first of the ranking, because no node is running.
        async Task<string> NodeOfAsync(string client)
        {
            var route = await http.GetFromJsonAsync<JsonElement>("/lb/route?client=" + client, TestContext.Current.CancellationToken);
            return route.GetProperty("ranking")[0].GetProperty("id").GetString() is { } first ? names[first] : "";
        }
    }

    [GeneratedRegex(@"curl localhost:13003/api/client-ip -H 'X-Forwarded-For: ([0-9.]+)'")]
    private static partial Regex Client();

    [GeneratedRegex(@"The first is served by (api-\d), the second by (api-\d)\.")]
    private static partial Regex Served();
}
