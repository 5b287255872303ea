using Kiro.Api.Database;
using Kiro.Cluster.Nodes;
using Kiro.Cluster.Output;
using Kiro.Cluster.Settings;
using Kiro.Cluster;
using Kiro.ServiceDefaults.Settings;

try
{
    var arguments = RunnerArguments.Parse(args);
    if (arguments.Help)
    {
        Console.Out.Write(HelpText.Text);
        return 0;
    }

    EnvironmentFile.Load();
    var configuration = RunnerConfiguration.Build(arguments);
    var settings = ClusterSettings.Read(configuration, arguments);
    var ignored = IgnoredSettings.Find(configuration, settings);
    var nodes = ClusterPlan.Of(settings, ignored);
    var database = DatabaseText.Of(DatabaseOptions.Read(new SettingsReader(configuration)));
    PortCheck.ThrowIfBusy(nodes);
    return await ClusterRunner.RunAsync(nodes, database, ignored.Named);
}
catch (InvalidSettingsException invalid)
{
    foreach (var line in invalid.Lines)
    {
        Console.Error.WriteLine(line);
    }

    return 1;
}
