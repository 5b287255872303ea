using Kiro.Cluster;
using Kiro.Cluster.Nodes;
using Kiro.Cluster.Settings;
using Kiro.Cluster.Status;
using Kiro.Cluster.Terminal;
using Kiro.ServiceDefaults;
using Kiro.ServiceDefaults.Settings;

try
{
    var arguments = RunnerArguments.Parse(args);
    if (arguments.Task is RunnerTask.Help or RunnerTask.Version)
    {
        Console.Out.Write(arguments.Task is RunnerTask.Help ? HelpText.Text : $"Kiro {ServiceDefaultsExtensions.Version}{Environment.NewLine}");
        return 0;
    }

    EnvironmentFile.Load();
    var configuration = RunnerConfiguration.Build(arguments);
    if (arguments.Task is RunnerTask.Status)
    {
        var (address, needsHeader) = ClusterSettings.BalancerAddress(configuration);
        var (balancer, withProxyHeader) = arguments.Status.Url is { } url ? (url, false) : (address, needsHeader);
        return await StatusCommand.RunAsync(balancer, arguments.Status, TerminalKind.Current.IsTerminal && !arguments.Plain, withProxyHeader);
    }

    var settings = ClusterSettings.Read(configuration, arguments);
    var ignored = IgnoredSettings.Find(configuration, settings);
    var database = ClusterDatabase.Of(configuration, settings);
    var nodes = ClusterPlan.Of(settings, ignored, database.File);
    PortCheck.ThrowIfBusy(nodes);
    return await ClusterRunner.RunAsync(nodes, database.Text, ignored.Named, arguments.Plain);
}
catch (InvalidSettingsException invalid)
{
    foreach (var line in invalid.Lines)
    {
        Console.Error.WriteLine(line);
    }

    return 1;
}
