using System.Globalization;
using System.Net;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration;

namespace Kiro.ServiceDefaults.Health;

/// <summary>
/// <c>--health</c> and <c>--alive</c>: the program asks the service that runs beside it how it is, and ends with 0 or 1.
/// Container images without a shell or curl have nothing else to ask with.
/// </summary>
public static class HealthQuestion
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Asks this machine's service.</summary>
    /// <param name="path"><c>/health</c> or <c>/alive</c>.</param>
    /// <param name="listen">The port unless its variable says another.</param>
    /// <returns>0 when the response is 2xx, else 1.</returns>
    public static async Task<int> AskAsync(string path, ListenPort listen)
    {
        var port = int.TryParse(Environment.GetEnvironmentVariable(listen.Variable), CultureInfo.InvariantCulture, out var set)
            ? set
            : listen.Port;
        var address = Address(listen);
        var environment = new ConfigurationBuilder().AddEnvironmentVariables().Build();
        var withHeader = listen.MayTakeProxyHeaders && OwnConnections.NeedHeader(environment, address);
        using var http = new HttpClient(OwnConnections.Handler(withHeader)) { Timeout = Patience };
        try
        {
            using var response = await http.GetAsync(new Uri($"http://{new IPEndPoint(address, port)}{path}"));
            // What Docker shows as the output of the check.
            Console.Out.WriteLine(await response.Content.ReadAsStringAsync());
            return response.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception problem) when (problem is HttpRequestException or OperationCanceledException)
        {
            Console.Out.WriteLine(problem.Message);
            return 1;
        }
    }

    // The first address that it listens on; of all of them, loopback.
    private static IPAddress Address(ListenPort listen)
    {
        var list = listen.AddressVariable is { } variable ? Environment.GetEnvironmentVariable(variable) : null;
        return IPAddress.TryParse(list?.Split(',')[0].Trim(' ', '[', ']'), out var address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any)
            ? address : IPAddress.Loopback;
    }
}
