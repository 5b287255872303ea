namespace Kiro.Cluster.Settings;

/// <summary>What <c>--help</c> prints.</summary>
internal static class HelpText
{
    public const string Text = """
        Runs Kiro on this machine: the API instances, and the balancer in front of them.

        Usage
          dotnet run --project Kiro.Cluster [-- <arguments>]

        Arguments
          --no-balancer      start only the instances
          --NAME=value       set one of the variables below
          --help             print this

        Variables (from the environment, or a .env file here or in a parent folder)
          INSTANCE_COUNT     how many instances, 1 to 100      default 5
          START_PORT         port of the first instance        default 13004
          BALANCER_PORT      port of the balancer              default 13003

        Every other variable, such as MYSQL_HOST, ADMIN_TOKEN or TRUSTED_PROXIES, reaches
        the instances and the balancer as it is.

        Ctrl-C stops everything, a second Ctrl-C at once. A process that crashes is started again.

        """;
}
