using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Clients.ProxyProtocol;

/// <summary>HAProxy or nginx in front of a balancer, sending PROXY protocol headers.</summary>
internal sealed class RealProxy : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _folder;

    private RealProxy(string folder, int port, string program, string[] arguments)
    {
        (_folder, Port) = (folder, port);
        _process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
    }

    public int Port { get; }

    /// <param name="balancer">The port behind it.</param>
    /// <param name="option">Of the server line: <c>send-proxy</c>, or <c>send-proxy-v2</c> and more.</param>
    public static Task<RealProxy> HaproxyAsync(int balancer, string option)
    {
        var program = Requirement.Find("haproxy");
        Requirement.Need("haproxy", program is not null, "there is no haproxy");
        var (folder, port) = (Directory.CreateTempSubdirectory("kiro-haproxy-").FullName, FreePort.Next());
        File.WriteAllText(Path.Combine(folder, "haproxy.cfg"), $"""
            defaults
              mode tcp
              timeout connect 5s
              timeout client 60s
              timeout server 60s
            frontend clients
              bind 127.0.0.1:{port}
              default_backend kiro
            backend kiro
              server kiro 127.0.0.1:{balancer} {option} check inter 100ms

            """);
        return StartedAsync(new RealProxy(folder, port, program!, ["-db", "-f", Path.Combine(folder, "haproxy.cfg")]));
    }

    /// <param name="balancer">The port behind it.</param>
    public static Task<RealProxy> NginxAsync(int balancer)
    {
        const string Module = "/usr/lib/nginx/modules/ngx_stream_module.so";
        var program = Requirement.Find("nginx");
        Requirement.Need("nginx", program is not null && File.Exists(Module), "there is no nginx with its stream module");
        var (folder, port) = (Directory.CreateTempSubdirectory("kiro-nginx-").FullName, FreePort.Next());
        File.WriteAllText(Path.Combine(folder, "nginx.conf"), $$"""
            load_module {{Module}};
            daemon off;
            master_process off;
            pid {{folder}}/nginx.pid;
            error_log {{folder}}/error.log;
            events { }
            stream {
              server {
                listen 127.0.0.1:{{port}};
                proxy_pass 127.0.0.1:{{balancer}};
                proxy_protocol on;
              }
            }
            """);
        return StartedAsync(new RealProxy(folder, port, program!, ["-p", folder, "-c", Path.Combine(folder, "nginx.conf"), "-e", Path.Combine(folder, "error.log")]));
    }

    /// <summary>A connection through the proxy from a different loopback address than the proxy's.</summary>
    public async Task<Socket> ConnectAsync(string from)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await socket.ConnectAsync(IPAddress.Loopback, Port, TestContext.Current.CancellationToken);
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<RealProxy> StartedAsync(RealProxy proxy)
    {
        await Eventually.BeTrue(
            async () =>
            {
                Assert.False(proxy._process.HasExited, "the proxy ended");
                try
                {
                    using var socket = await proxy.ConnectAsync("127.0.0.1");
                    return true;
                }
                catch (SocketException)
                {
                    return false;
                }
            },
            "the proxy listens");
        return proxy;
    }
}
