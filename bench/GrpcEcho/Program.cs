using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

// Echoes the messages of every gRPC call, and responds to everything else like a node's health endpoint. Arguments: the ports.
var builder = WebApplication.CreateSlimBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.WebHost.ConfigureKestrel(kestrel =>
{
    // A proxy that terminates TLS may leave the client's scheme unchanged.
    kestrel.AllowAlternateSchemes = true;
    foreach (var port in args)
    {
        kestrel.Listen(IPAddress.Loopback, int.Parse(port, null), listen => listen.Protocols = HttpProtocols.Http2);
    }
});

var app = builder.Build();
app.Run(async context =>
{
    if (context.Request.ContentType is not "application/grpc")
    {
        await context.Response.WriteAsync("""{"status":"ok"}""");
        return;
    }

    context.Response.ContentType = "application/grpc";
    await context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted);
    context.Response.AppendTrailer("grpc-status", "0");
});
await app.RunAsync();
