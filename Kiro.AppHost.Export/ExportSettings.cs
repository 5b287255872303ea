using Kiro.AppHost.Published;
using Kiro.AppHost.Settings;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.AppHost.Export;

/// <summary><c>EXPORT</c>: what to publish. Nothing else is read, so that the output is the same on every machine.</summary>
internal static class ExportSettings
{
    /// <summary>What to publish; null after an invalid value, which has been reported.</summary>
    public static ExportKind? Read(IDistributedApplicationBuilder builder) => InvalidSettings.Report<ExportKind?>(() =>
    {
        var reader = new SettingsReader(builder.Configuration);
        var text = reader.Text("EXPORT") ?? "";
        if (builder.ExecutionContext.IsPublishMode && Enum.GetNames<ExportKind>().FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } known
            && Enum.Parse<ExportKind>(known) is var kind and not ExportKind.Manifest)
        {
            return kind;
        }

        reader.Reject("EXPORT", text, builder.ExecutionContext.IsPublishMode
            ? "cluster, scale or kubernetes; Kiro.AppHost publishes the manifest"
            : "nothing, because Kiro.AppHost.Export only publishes (docs/aspire.md); use Kiro.AppHost to run");
        reader.ThrowIfInvalid();
        return null;
    });
}
