using System.Globalization;
using System.Net;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration;

namespace Kiro.ServiceDefaults.Health;

/// <summary>
/// <c>--health</c> and <c>--alive</c>: the program queries the local service and exits with 0 or 1, for
/// container images without a shell or curl.
/// </summary>
public static class HealthCheckCommand
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    /// <summary>Queries the service on this machine.</summary>
    /// <param name="path"><c>/health</c> or <c>/alive</c>.</param>
    /// <param name="listen">The default port and its variable.</param>
    /// <returns>0 if the response is 2xx, otherwise 1.</returns>
    public static async Task<int> RunAsync(string path, ListenPort listen)
    {
        var port = int.TryParse(Environment.GetEnvironmentVariable(listen.Variable), CultureInfo.InvariantCulture, out var set)
            ? set
            : listen.Port;
        var address = Address(listen);
        var environment = new ConfigurationBuilder().AddEnvironmentVariables().Build();
        var withHeader = listen.MayTakeProxyHeaders && LocalConnections.NeedProxyHeader(environment, address);
        using var http = new HttpClient(LocalConnections.Handler(withHeader)) { Timeout = Timeout };
        try
        {
            using var response = await http.GetAsync(new Uri($"http://{new IPEndPoint(address, port)}{path}"));
            // Docker shows this as the output of the health check.
            Console.Out.WriteLine(await response.Content.ReadAsStringAsync());
            return response.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception problem) when (problem is HttpRequestException or OperationCanceledException)
        {
            Console.Out.WriteLine(problem.Message);
            return 1;
        }
    }

    // The first listen address; loopback if it listens on all.
    private static IPAddress Address(ListenPort listen)
    {
        var list = listen.AddressVariable is { } variable ? Environment.GetEnvironmentVariable(variable) : null;
        return IPAddress.TryParse(list?.Split(',')[0].Trim(' ', '[', ']'), out var address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any)
            ? address : IPAddress.Loopback;
    }
}
