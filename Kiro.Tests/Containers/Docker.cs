using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Containers;

/// <summary>The Docker engine of this machine: its command line, and its socket for what is asked often.</summary>
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

    /// <summary>Skips the test unless an engine answers and docker-compose is installed.</summary>
    public static async Task NeedAsync()
    {
        Requirement.Need("docker", Requirement.Find("docker") is not null && Requirement.Find("docker-compose") is not null, "docker and docker-compose are not both installed.");
        Requirement.Need("docker", await AnswersAsync(), $"no Docker engine answers at {Socket}.");
    }

    /// <summary>Runs a program in compose-export/ and returns what it printed; fails the test when it fails.</summary>
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
            Assert.Fail($"{program} {string.Join(' ', arguments)} runs for more than {seconds} s.\n{await errors}");
        }

        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.\n{await output}\n{await errors}");
        return await output;
    }

    public static Task<string> RunAsync(params string[] arguments) => RunAsync("docker", arguments);

    /// <summary>The running containers with a label, by their short ids, and their addresses.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> AddressesAsync(params string[] labels)
    {
        var filter = JsonSerializer.Serialize(new Dictionary<string, string[]> { ["label"] = labels });
        await using var answer = await Http.GetStreamAsync(new Uri($"/containers/json?filters={Uri.EscapeDataString(filter)}", UriKind.Relative));
        using var json = await JsonDocument.ParseAsync(answer);
        return json.RootElement.EnumerateArray().ToDictionary(
            container => container.GetProperty("Id").GetString()![..12],
            container => container.GetProperty("NetworkSettings").GetProperty("Networks").EnumerateObject().First().Value.GetProperty("IPAddress").GetString()!);
    }

    /// <summary>One property of a container, as <c>docker inspect</c> knows it.</summary>
    public static async Task<string> InspectAsync(string container, string format) =>
        (await RunAsync("inspect", "--format", format, container)).Trim();

    private static async Task<bool> AnswersAsync()
    {
        try
        {
            using var answer = await Http.GetAsync(new Uri("/_ping", UriKind.Relative));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
