using Kiro.Api.Callers;
using Kiro.Api.Database;
using Kiro.Api.Ledger;
using Kiro.Api.Nodes;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;
using Kiro.ServiceDefaults.Telemetry;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Api;

/// <summary>Everything that can be set on a node.</summary>
internal sealed class ApiSettings
{
    private ApiSettings(SettingsReader settings, IConfiguration configuration)
    {
        Api = ApiOptions.Read(settings);
        Drain = DrainOptions.Read(settings);
        Callers = CallerOptions.Read(settings);
        Admin = AdminToken.Read(settings);
        Database = DatabaseOptions.Read(settings);
        Nodes = NodeOptions.Read(settings);
        Ledger = LedgerOptions.Read(settings);
        Log = LogOptions.Read(settings);
        Report = SettingsReport.Of(settings, configuration);
    }

    public ApiOptions Api { get; }

    public DrainOptions Drain { get; }

    public CallerOptions Callers { get; }

    public AdminToken Admin { get; }

    public DatabaseOptions Database { get; }

    public NodeOptions Nodes { get; }

    public LedgerOptions Ledger { get; }

    public LogOptions Log { get; }

    /// <summary>All of them, and what is hardly meant about them.</summary>
    public SettingsReport Report { get; }

    /// <summary>Reads and checks them all; the local runner does so too before it starts anything.</summary>
    /// <exception cref="InvalidSettingsException">Names every setting that cannot be used.</exception>
    public static ApiSettings Read(IConfiguration configuration)
    {
        var reader = new SettingsReader(configuration);
        var settings = new ApiSettings(reader, configuration);
        reader.ThrowIfInvalid();
        return settings;
    }
}
