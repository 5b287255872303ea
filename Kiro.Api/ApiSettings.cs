using Kiro.Api.Callers;
using Kiro.Api.Database;
using Kiro.Api.Ledger;
using Kiro.Api.Nodes;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;
using Kiro.ServiceDefaults.Telemetry;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Api;

/// <summary>All settings of a node.</summary>
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

    /// <summary>The settings and their warnings.</summary>
    public SettingsReport Report { get; }

    /// <summary>Reads and validates all settings; also used by the local runner before it starts anything.</summary>
    /// <exception cref="InvalidSettingsException">Names every invalid setting.</exception>
    public static ApiSettings Read(IConfiguration configuration)
    {
        var reader = new SettingsReader(configuration);
        var settings = new ApiSettings(reader, configuration);
        reader.ThrowIfInvalid();
        return settings;
    }
}
