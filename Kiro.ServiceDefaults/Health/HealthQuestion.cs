using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Kiro.ServiceDefaults.Settings;

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
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Patience };
        try
        {
            using var answer = await http.GetAsync(new Uri($"http://{Address(listen)}:{port}{path}"));
            // What Docker shows as the output of the check.
            Console.Out.WriteLine(await answer.Content.ReadAsStringAsync());
            return answer.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception problem) when (problem is HttpRequestException or OperationCanceledException)
        {
            Console.Out.WriteLine(problem.Message);
            return 1;
        }
    }

    // The first address that it listens on; of all of them, loopback.
    private static string Address(ListenPort listen)
    {
        var list = listen.AddressVariable is { } variable ? Environment.GetEnvironmentVariable(variable) : null;
        return IPAddress.TryParse(list?.Split(',')[0].Trim(' ', '[', ']'), out var address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any)
            ? address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString()
            : "127.0.0.1";
    }
}
