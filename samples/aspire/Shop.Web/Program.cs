var app = WebApplication.CreateBuilder(args).Build();

// An in-memory basket only works if all requests of a client reach the same replica.
var baskets = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();

app.MapGet("/health", () => "ok");
app.MapGet("/", (HttpContext context) =>
{
    var client = context.Request.Headers["X-Real-IP"].ToString();
    return new { client, replica = Environment.ProcessId, items = baskets.AddOrUpdate(client, 1, (_, items) => items + 1) };
});
app.Run();
