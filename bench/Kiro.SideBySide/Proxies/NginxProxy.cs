using Kiro.SideBySide.Backends;
using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Proxies;

/// <summary>With larger buffers than by default, so that it does not write large responses to temporary files.</summary>
internal sealed class NginxProxy() : InstalledProxy("nginx", "nginx", "nginx", "nginx")
{
    public override string Version() => Programs.FirstLine(Program, "-v").Split('/')[^1];

    public override Command Prepare(ProxySite site)
    {
        site.Write("nginx.conf", $$"""
            {{NginxBasics.Of(site.Directory, site.Workers)}}
              set_real_ip_from 127.0.0.0/8;
              real_ip_header X-Forwarded-For;
              upstream api {
                hash $remote_addr consistent;
                {{site.ForEachBackend(port => $"server 127.0.0.1:{port};")}}
                keepalive 1024;
                keepalive_requests 1000000000;
                keepalive_timeout 1h;
              }
              server {
                listen 127.0.0.1:{{site.Port}} backlog=4096{{(site.Tls is null ? "" : " ssl http2")}};
                {{(site.Tls is { } tls ? $"ssl_certificate {tls.Certificate}; ssl_certificate_key {tls.Key}; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:tls:10m;" : "")}}
                location / {
                  {{(site.IsGrpc ? "grpc_pass grpc://api;" : site.NodeTls is null ? "proxy_pass http://api;" : "proxy_pass https://api;")}}
                  {{(site.NodeTls is { } nodes ? $"proxy_ssl_verify on; proxy_ssl_trusted_certificate {nodes.Certificate}; proxy_ssl_name {SiteCertificate.Host}; proxy_ssl_server_name on;" : "")}}
                  proxy_http_version 1.1;
                  proxy_buffers 8 32k;
                  proxy_buffer_size 32k;
                  proxy_max_temp_file_size 0;
                  proxy_set_header Connection "";
                  proxy_set_header Host $host;
                  proxy_set_header X-Real-IP $remote_addr;
                  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                  proxy_set_header X-Forwarded-Proto $scheme;
                }
              }
            }
            """);
        return new Command(Program, "-e", "stderr", "-p", site.Directory, "-c", "nginx.conf");
    }
}
