namespace Kiro.Cluster.Settings;

/// <summary>What <c>--help</c> prints.</summary>
internal static class HelpText
{
    public const string Text = """
        Runs Kiro on this machine: API instances, and the balancer in front of them,
        which sends every client to its own instance. Also shows a running cluster.

        Usage
          dotnet run --project Kiro.Cluster [-- <switches>]           run a cluster
          dotnet run --project Kiro.Cluster -- status [<switches>]    show its status

        Switches
          --no-balancer      start only the instances
          --plain            print lines instead of the live table
          --NAME=value       set one of the variables below
          --help, --version

        Switches of status
          --watch            refresh every 2 s, until Ctrl-C
          --json             print the raw response of the balancer
          --client ADDRESS   show which node serves this client, and its ranking
          --key VALUE        the same by cookie or header value (STICKY_BY)
          --url http://...   query this balancer instead of the local one
          --plain            with --watch: print one table after another

        Variables (from the environment, or a .env file here or in a parent folder)
          INSTANCE_COUNT     how many instances, 1 to 100      default 5
          START_PORT         port of the first instance        default 13004
          BALANCER_PORT      port of the balancer              default 13003
          SQLITE_FILE        the embedded database             default kiro.db, or
                             kiro-START_PORT.db if START_PORT is not 13004, so
                             that clusters on one machine do not share it
          NO_COLOR           set to anything to disable colour

        All other variables, such as MYSQL_HOST, ADMIN_TOKEN or TRUSTED_PROXIES, are
        passed on to the instances and the balancer; .env.example lists them all.

        Examples
          dotnet run --project Kiro.Cluster -- --INSTANCE_COUNT=3
          dotnet run --project Kiro.Cluster -- --plain > kiro.log
          dotnet run --project Kiro.Cluster -- status --url http://lb.example:13003
          dotnet run --project Kiro.Cluster -- status --json | jq .summary

        Ctrl-C stops everything, a second Ctrl-C immediately. Crashed processes are
        restarted.

        Exit codes
          0    clean stop; status: healthy
          1    invalid switch, variable, database file or port, or a process could not
               start; status: not healthy, because the balancer does not respond, or not
               like a balancer, is shutting down, or has no node up. Individual nodes
               that are down, and warnings, do not count.
          2    status: serving, but nodes are degraded, for example without their
               database, or failing: at least a tenth of their responses are errors
          130  a second Ctrl-C killed what did not stop

        """;
}
