using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Containers;

/// <summary>The local Docker engine, by its command line, and by its socket for frequent queries.</summary>
internal static class Docker
{
    private const string Socket = "/var/run/docker.sock";

    private static readonly HttpClient Http = new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, stop) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), stop);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = new Uri("http://docker") };

    /// <summary>Skips the test unless the engine responds and docker-compose is installed.</summary>
    public static async Task NeedAsync()
    {
        Requirement.Need("docker", Requirement.Find("docker") is not null && Requirement.Find("docker-compose") is not null, "docker and docker-compose are not both installed.");
        Requirement.Need("docker", await RespondsAsync(), $"no Docker engine responds at {Socket}.");
    }

    /// <summary>Runs a program in compose-export/ and returns its output; fails the test if the program fails.</summary>
    public static async Task<string> RunAsync(string program, IReadOnlyList<string> arguments, double seconds = 120, Dictionary<string, string>? environment = null)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = Path.Combine(Repository.Root, "compose-export"),
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        foreach (var (name, value) in environment ?? [])
        {
            process.StartInfo.Environment[name] = value;
        }

        process.Start();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} did not exit within {seconds} s.\n{await errors}");
        }

        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} exited with {process.ExitCode}.\n{await output}\n{await errors}");
        return await output;
    }

    public static Task<string> RunAsync(params string[] arguments) => RunAsync("docker", arguments);

    /// <summary>The addresses of the running containers with these labels, by short container ID.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> AddressesAsync(params string[] labels)
    {
        var filter = JsonSerializer.Serialize(new Dictionary<string, string[]> { ["label"] = labels });
        await using var response = await Http.GetStreamAsync(new Uri($"/containers/json?filters={Uri.EscapeDataString(filter)}", UriKind.Relative));
        using var json = await JsonDocument.ParseAsync(response);
        return json.RootElement.EnumerateArray().ToDictionary(
            container => container.GetProperty("Id").GetString()![..12],
            container => container.GetProperty("NetworkSettings").GetProperty("Networks").EnumerateObject().First().Value.GetProperty("IPAddress").GetString()!);
    }

    /// <summary>The output of <c>docker inspect</c> for a container.</summary>
    public static async Task<string> InspectAsync(string container, string format) =>
        (await RunAsync("inspect", "--format", format, container)).Trim();

    private static async Task<bool> RespondsAsync()
    {
        try
        {
            using var response = await Http.GetAsync(new Uri("/_ping", UriKind.Relative));
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
