namespace Kiro.Tool;

/// <summary>What <c>--help</c> prints.</summary>
internal static class HelpText
{
    public const string Text = """
        Puts one address in front of a replicated HTTP service and gives every client its
        own node, by hashing the client's address. A node that fails moves only its own
        clients, and they come home when it is back.

        Usage
          kiro [--hosts LIST] [--port N] [options]    balance, until SIGTERM or Ctrl-C
          kiro check [options]                        look at the settings, and end
          kiro status [--watch] [--json] ...          look at a balancer that runs
          kiro completion bash|zsh|fish               print what a shell completes

        Where the nodes are (the first of these applies; with none, ports 13004 … 13008
        of this machine)
          --dns NAME         every address behind a name; --backend-port N is their port
          --hosts LIST       host:port,host:port*weight,...

        What is asked for most
          --port N                   where clients connect             default 13003
          --listen-address LIST      addresses of this machine         default all
          --health-path PATH         what a node must answer with 2xx  default /health
          --trusted-proxies LIST     whose X-Forwarded-For counts      default loopback
          --tls-port N               HTTPS, with --tls-certificate and --tls-key
          --access-log on            a line for each request

        Every setting is an option: HEALTH_INTERVAL is --health-interval. Options win over
        the environment, and that over a .env file here or in a parent folder. Secrets, such
        as ADMIN_TOKEN, belong into the environment: others can read a command line.
        "kiro check" lists all settings, with their values and where each comes from.

        Switches
          --health           ask the balancer that runs here for its health: 0 when well
          --alive            the same, whether it runs at all
          --takeover         take the port over from the balancer that serves it: no
                             connection is refused or lost, and that one drains and ends
          --help, --version

        Switches of status
          --watch            look again every 2 s, until Ctrl-C
          --json             print the balancer's answer as it is
          --client ADDRESS   tell which node serves this client, and its ranking
          --key VALUE        the same by what STICKY_BY names: a cookie, a field
          --url http://...   ask this balancer, not the one on this machine
          --plain            with --watch: print one table after the other

        Examples
          kiro --hosts "10.0.0.4:8080,10.0.0.5:8080*2" --port 80
          kiro --dns api --backend-port 8080 --health-path /healthz
          kiro status --client 203.0.113.7
          kiro completion bash > ~/.local/share/bash-completion/completions/kiro

        While it runs, http://localhost:13003/lb is its page, /metrics is for Prometheus.

        Exit codes
          0    a clean stop, or the answer is yes; status: healthy
          1    an option, a setting or the port cannot be used, or the answer is no;
               status: no response, or no node is up
          2    status: it serves, but nodes are degraded or failing
        """;
}
