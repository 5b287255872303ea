using System.Net;
using Kiro.Balancer.Listening;
using Kiro.Cluster.Status;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Tool;

/// <summary>The command line of <c>kiro</c>.</summary>
/// <param name="Verb">The command.</param>
/// <param name="Balancer">The balancer's arguments: switches, and settings as <c>--NAME=value</c>.</param>
/// <param name="Status">The options of <c>status</c>.</param>
/// <param name="Plain">With <c>status --watch</c>: do not use the full screen.</param>
/// <param name="Shell">The shell for <c>completion</c>.</param>
internal sealed record ToolArguments(ToolVerb Verb, IReadOnlyList<string> Balancer, StatusOptions Status, bool Plain, string? Shell)
{
    private static readonly ToolArguments Run = new(ToolVerb.Balance, [], new StatusOptions(null, false, false), false, null);

    /// <exception cref="InvalidSettingsException">One line per invalid argument.</exception>
    public static ToolArguments Parse(IReadOnlyList<string> arguments)
    {
        if (arguments.Any(argument => argument is "--help" or "-h" or "-?") || (arguments.Count > 0 && arguments[0] == "help"))
        {
            return Run with { Verb = ToolVerb.Help };
        }

        var problems = new List<string>();
        var rest = new Queue<string>(arguments.Skip(1));
        var parsed = (arguments.Count > 0 ? arguments[0] : null) switch
        {
            "status" => Of(rest, problems),
            "completion" => Run with { Verb = ToolVerb.Completion, Shell = ShellOf(rest, problems) },
            "check" => Run with { Balancer = ["--check", .. SettingOptions.Expand(rest, problems)] },
            "version" or "--version" => Run with { Verb = ToolVerb.Version },
            _ => Run with { Balancer = [.. SettingOptions.Expand(new Queue<string>(arguments), problems)] },
        };
        return problems.Count > 0 ? throw new InvalidSettingsException(problems) : parsed;
    }

    /// <summary>The address of the local balancer's pages, from the environment.</summary>
    public static Uri ThisMachine()
    {
        var usual = ListeningOptions.DefaultListen;
        var settings = new SettingsReader(new ConfigurationBuilder().AddEnvironmentVariables().Build());
        var pages = AdminListener.Read(settings).Or(usual with { Port = settings.Port(usual.Variable, usual.Port) });
        var address = pages.Addresses.FirstOrDefault(address => !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any)) ?? IPAddress.Loopback;
        return new Uri($"http://{new IPEndPoint(address, pages.Port)}");
    }

    private static ToolArguments Of(Queue<string> rest, List<string> problems)
    {
        var (status, plain) = (Run.Status, false);
        while (rest.TryDequeue(out var argument))
        {
            var equals = argument.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? argument : argument[..equals];
            switch (name)
            {
                case "--watch":
                    status = status with { Watch = true };
                    break;
                case "--json":
                    status = status with { Json = true };
                    break;
                case "--plain":
                    plain = true;
                    break;
                case "--client" when SettingOptions.ValueOf(argument, equals, rest, problems) is { } client:
                    status = status with { Client = client };
                    break;
                case "--url" when SettingOptions.ValueOf(argument, equals, rest, problems) is { } url:
                    status = status with { Url = Address(url, problems) };
                    break;
                case "--key" when SettingOptions.ValueOf(argument, equals, rest, problems) is { } value:
                    status = status with { Key = value };
                    break;
                case "--client" or "--key" or "--url":
                    break;
                default:
                    problems.Add($"Unknown argument of status: {argument}. See --help.");
                    break;
            }
        }

        return Run with { Verb = ToolVerb.Status, Status = status, Plain = plain };
    }

    private static string? ShellOf(Queue<string> rest, List<string> problems)
    {
        var shell = string.Join(' ', rest);
        if (Completion.Shells.Contains(shell))
        {
            return shell;
        }

        problems.Add($"completion {shell} is not valid: expected completion {string.Join(" or completion ", Completion.Shells)}.");
        return null;
    }

    private static Uri? Address(string text, List<string> problems)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.Query.Length + url.UserInfo.Length == 0)
        {
            return url;
        }

        problems.Add($"--url={text} is not valid: expected the address of a balancer, such as http://127.0.0.1:13003.");
        return null;
    }
}

/// <summary>The command.</summary>
internal enum ToolVerb
{
    /// <summary>Run the balancer, or with <c>check</c> validate its settings.</summary>
    Balance,

    /// <summary><c>status</c>: show a running balancer.</summary>
    Status,

    /// <summary><c>completion</c>: print a completion script.</summary>
    Completion,

    /// <summary><c>help</c>, <c>--help</c></summary>
    Help,

    /// <summary><c>version</c>, <c>--version</c></summary>
    Version,
}
