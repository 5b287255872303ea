using Kiro.Api;
using Kiro.Api.Callers;
using Kiro.Api.Database;
using Kiro.Api.Demo;
using Kiro.Api.Health;
using Kiro.Api.Ledger;
using Kiro.Api.Nodes;
using Kiro.Api.Status;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults;

return await KiroApplication.RunAsync(args, "A node of Kiro's replicated HTTP API.", ApiOptions.UsualListen, builder =>
{
    var settings = ApiSettings.Read(builder.Configuration);
    SqliteFile.ThrowIfUnusable(settings.Database);
    builder.AddServiceDefaults(settings.Api.Listen, settings.Drain, settings.Log, settings.Report);
    builder.Services.AddApi(settings);
    // Services stop in reverse order: Kestrel, then the last ledger flush, then the heartbeat.
    builder.Services.AddDatabase(settings.Database);
    builder.Services.AddNodes(settings.Api, settings.Nodes);
    builder.Services.AddLedger(settings.Ledger);

    var app = builder.Build();
    app.UseConnectionCloseWhileDraining();
    app.UseCallerAddress(settings.Callers);
    app.UseLedger();
    app.MapDefaultEndpoints(app.Services.GetRequiredService<NodeHealth>().Respond);
    app.MapCallers();
    app.MapNodes();
    app.MapLedger();
    app.MapStatus();
    app.MapDemo();
    app.LogWhenServing(settings.Api);
    return app;
});
