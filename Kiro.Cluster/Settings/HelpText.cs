namespace Kiro.Cluster.Settings;

/// <summary>What <c>--help</c> prints.</summary>
internal static class HelpText
{
    public const string Text = """
        Runs Kiro on this machine: API instances, and the balancer in front of them,
        which sends every client to its own instance. Or looks at a Kiro that runs.

        Usage
          dotnet run --project Kiro.Cluster [-- <switches>]           run a cluster
          dotnet run --project Kiro.Cluster -- status [<switches>]    look at one

        Switches
          --no-balancer      start only the instances
          --plain            print lines, not the live table that a terminal gets
          --NAME=value       set one of the variables below
          --help, --version

        Switches of status
          --watch            look again every 2 s, until Ctrl-C
          --json             print the balancer's response as it is
          --client ADDRESS   tell which node serves this client, and its ranking
          --key VALUE        the same by what STICKY_BY names: a cookie, a field
          --url http://...   ask this balancer, not the one on this machine
          --plain            with --watch: print one table after the other

        Variables (from the environment, or a .env file here or in a parent folder)
          INSTANCE_COUNT     how many instances, 1 to 100      default 5
          START_PORT         port of the first instance        default 13004
          BALANCER_PORT      port of the balancer              default 13003
          SQLITE_FILE        the embedded database             default kiro.db, or
                             kiro-START_PORT.db when that is not 13004, so that two
                             clusters of one machine do not share it
          NO_COLOR           anything: no colours

        Every other variable, such as MYSQL_HOST, ADMIN_TOKEN or TRUSTED_PROXIES,
        reaches the instances and the balancer as it is; .env.example lists them all.

        Examples
          dotnet run --project Kiro.Cluster -- --INSTANCE_COUNT=3
          dotnet run --project Kiro.Cluster -- --plain > kiro.log
          dotnet run --project Kiro.Cluster -- status --url http://lb.example:13003
          dotnet run --project Kiro.Cluster -- status --json | jq .summary

        Ctrl-C stops everything, a second Ctrl-C at once. A process that crashes is
        started again.

        Exit codes
          0    a clean stop; status: healthy
          1    a switch, a variable, a database file or a port cannot be used, or a
               process could not start; status: not healthy, which is when the balancer
               gives no response or one that is not a balancer's, when it is shutting
               down, and when no node is up. A node that is down beside others, and
               warnings, are not.
          2    status: it serves, but nodes are degraded, such as without their
               database, or failing: a tenth of their responses or more are errors
          130  a second Ctrl-C has ended what did not stop

        """;
}
