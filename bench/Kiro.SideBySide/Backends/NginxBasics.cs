namespace Kiro.SideBySide.Backends;

/// <summary>The configuration for nginx to run in its own directory, in the foreground, without logs.</summary>
internal static class NginxBasics
{
    /// <returns>The beginning of its configuration; the http block is left open.</returns>
    public static string Of(string directory, int workers = 1) => $$"""
        {{(Environment.IsPrivilegedProcess ? "user root;" : "")}}
        daemon off;
        worker_processes {{workers}};
        pid {{directory}}/nginx.pid;
        events { worker_connections 16384; }
        http {
          access_log off;
          client_body_temp_path {{directory}}/body;
          proxy_temp_path {{directory}}/proxy;
          fastcgi_temp_path {{directory}}/fastcgi;
          uwsgi_temp_path {{directory}}/uwsgi;
          scgi_temp_path {{directory}}/scgi;
          keepalive_requests 1000000000;
          keepalive_timeout 1h;
        """;
}
