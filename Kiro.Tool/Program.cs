using Kiro.Balancer;
using Kiro.Balancer.Listening;
using Kiro.Balancer.Listening.Takeover;
using Kiro.Cluster.Status;
using Kiro.Cluster.Terminal;
using Kiro.ServiceDefaults;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;
using Kiro.Tool;

try
{
    var arguments = ToolArguments.Parse(args);
    switch (arguments.Verb)
    {
        case ToolVerb.Help:
            Console.Out.WriteLine(HelpText.Text);
            return 0;
        case ToolVerb.Version:
            Console.Out.WriteLine(ServiceDefaultsExtensions.Version);
            return 0;
        case ToolVerb.Completion:
            Console.Out.Write(Completion.Of(arguments.Shell!));
            return 0;
        case ToolVerb.Status:
            EnvironmentFile.Load();
            return await StatusCommand.RunAsync(arguments.Status.Url ?? ToolArguments.ThisMachine(), arguments.Status, TerminalKind.Current.IsTerminal && !arguments.Plain);
        default:
            return await KiroApplication.RunAsync(
                [.. arguments.Balancer], "", ListeningOptions.DefaultListen, builder => BalancerApplication.Build(builder.WithInlineCompletions()), TakeoverServices.Switch);
    }
}
catch (InvalidSettingsException invalid)
{
    foreach (var line in invalid.Lines)
    {
        Console.Error.WriteLine(line);
    }

    return 1;
}
