using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Proxies;

internal sealed class CaddyProxy() : InstalledProxy("caddy", "Caddy", "caddy", "caddy")
{
    public override string Version() => Programs.FirstLine(Program, "version").Split(' ')[0].TrimStart('v');

    public override Command Prepare(ProxySite site)
    {
        // In the versions of distributions, ip_hash only uses the peer's address.
        var policy = site.Clients == ClientIdentity.SourceAddress ? "ip_hash" : "header X-Forwarded-For";
        var file = site.Write("Caddyfile", $$"""
            {
              admin off
              auto_https off
            }
            {{(site.Tls is null ? "http" : "https")}}://:{{site.Port}} {
              bind 127.0.0.1
              {{(site.Tls is { } tls ? $"tls {tls.Certificate} {tls.Key}" : "")}}
              reverse_proxy {{string.Join(' ', site.Backends.Select(port => $"{(site.IsGrpc ? "h2c://" : site.NodeTls is null ? "" : "https://")}127.0.0.1:{port}"))}} {
                lb_policy {{policy}}
                trusted_proxies 127.0.0.0/8
                transport http {
                  keepalive_idle_conns 8192
                  keepalive_idle_conns_per_host 1024
                  {{(site.NodeTls is { } nodes ? $"tls_trusted_ca_certs {nodes.Certificate}\ntls_server_name {SiteCertificate.Host}" : "")}}
                }
              }
            }
            """);
        var home = new Dictionary<string, string> { ["HOME"] = site.Directory, ["XDG_DATA_HOME"] = site.Directory, ["XDG_CONFIG_HOME"] = site.Directory };
        return new Command(Program, "run", "--config", file, "--adapter", "caddyfile") { Environment = home };
    }
}
