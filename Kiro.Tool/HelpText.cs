namespace Kiro.Tool;

/// <summary>What <c>--help</c> prints.</summary>
internal static class HelpText
{
    public const string Text = """
        Puts one address in front of a replicated HTTP service and routes every client to
        its own node by hashing the client's address. When a node fails, only its clients
        move, and they return when it is back.

        Usage
          kiro [--hosts LIST] [--port N] [options]    run, until SIGTERM or Ctrl-C
          kiro check [options]                        validate and print the settings
          kiro status [--watch] [--json] ...          show a running balancer
          kiro completion bash|zsh|fish               print a completion script

        Nodes (the first of these applies; with none, the local ports 13004 … 13008)
          --dns NAME         every address of a DNS name, on --backend-port N
          --hosts LIST       host:port,host:port*weight,...

        Common options
          --port N                   port for clients                  default 13003
          --listen-address LIST      addresses to listen on            default all
          --health-path PATH         path that returns 2xx if healthy  default /health
          --trusted-proxies LIST     whose X-Forwarded-For is trusted  default loopback
          --tls-port N               HTTPS, with --tls-certificate and --tls-key
          --access-log on            log a line per request

        Every setting is an option: HEALTH_INTERVAL is --health-interval. Options override
        the environment, which overrides a .env file in the current or a parent folder.
        Set secrets such as ADMIN_TOKEN in the environment: other users can see command lines.
        "kiro check" lists all settings with their values and sources.

        Switches
          --health           check the health of the local balancer: 0 if it is healthy
          --alive            check whether it runs
          --takeover         take over the port from a running balancer, which drains and
                             exits; no connection is refused or lost
          --help, --version

        Switches of status
          --watch            refresh every 2 s, until Ctrl-C
          --json             print the raw response of the balancer
          --client ADDRESS   show which node serves this client, and its ranking
          --key VALUE        the same by cookie or header value (STICKY_BY)
          --url http://...   query this balancer instead of the local one
          --plain            with --watch: print one table after another

        Examples
          kiro --hosts "10.0.0.4:8080,10.0.0.5:8080*2" --port 80
          kiro --dns api --backend-port 8080 --health-path /healthz
          kiro status --client 203.0.113.7
          kiro completion bash > ~/.local/share/bash-completion/completions/kiro

        While it runs, http://localhost:13003/lb is its status page, and /metrics serves Prometheus.

        Exit codes
          0    clean stop, or successful check; status: healthy
          1    invalid option, setting or port, or failed check; status: no response, or
               no node is up
          2    status: serving, but nodes are degraded or failing
        """;
}
