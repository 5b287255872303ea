using System.Net;
using Yarp.ReverseProxy.Forwarder;

// YARP's direct forwarder as in its documentation, plus a node for every client: the minimum cost of any balancer based on
// YARP. Arguments: the port, then the nodes' addresses.
var builder = WebApplication.CreateSlimBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, int.Parse(args[0], null)));
builder.Services.AddHttpForwarder();

var app = builder.Build();
var forwarder = app.Services.GetRequiredService<IHttpForwarder>();
var nodes = args[1..];
using var connections = new HttpMessageInvoker(new SocketsHttpHandler
{
    UseProxy = false,
    AllowAutoRedirect = false,
    AutomaticDecompression = DecompressionMethods.None,
    UseCookies = false,
    EnableMultipleHttp2Connections = true,
    ConnectTimeout = TimeSpan.FromSeconds(15),
});

app.Run(async context =>
{
    var client = context.Request.Headers["X-Forwarded-For"].ToString();
    var key = client.Length > 0 ? client.GetHashCode(StringComparison.Ordinal) : context.Connection.RemoteIpAddress!.GetHashCode();
    await forwarder.SendAsync(context, nodes[(uint)key % nodes.Length], connections);
});
await app.RunAsync();
