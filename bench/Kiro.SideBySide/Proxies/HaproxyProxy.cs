using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Proxies;

internal sealed class HaproxyProxy() : InstalledProxy("haproxy", "HAProxy", "haproxy", "haproxy")
{
    public override string Version() => Programs.FirstLine(Program, "-v").Split(' ').ElementAtOrDefault(2) ?? "";

    public override Command Prepare(ProxySite site)
    {
        var file = site.Write("haproxy.cfg", $$"""
            global
              maxconn 9900
              nbthread {{site.Workers}}
            defaults
              mode http
              timeout connect 2s
              timeout client 1h
              timeout server 1h
              option forwardfor
              option redispatch
              http-reuse always
            frontend clients
              bind 127.0.0.1:{{site.Port}} backlog 4096{{(site.Tls is { } tls ? $" ssl crt {tls.Both} alpn h2,http/1.1" : "")}}
              default_backend api
            backend api
              http-request set-src req.hdr(x-forwarded-for) if { src 127.0.0.0/8 } { req.hdr(x-forwarded-for) -m found }
              balance source
              hash-type consistent
            {{site.ForEachBackend(port => $"  server api-{port} 127.0.0.1:{port} check inter 2s{(site.IsGrpc ? " proto h2" : "")}{(site.NodeTls is { } nodes ? $" ssl verify required ca-file {nodes.Certificate} sni str({SiteCertificate.Host}) verifyhost {SiteCertificate.Host}" : "")}")}}
            """);
        return new Command(Program, "-db", "-f", file);
    }
}
