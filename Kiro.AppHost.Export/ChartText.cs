using System.Text.RegularExpressions;
using Aspire.Hosting.Pipelines;
using Kiro.AppHost.Published;
using Microsoft.Extensions.DependencyInjection;

namespace Kiro.AppHost.Export;

/// <summary>What the publisher writes into the chart's files and has no setting for.</summary>
internal static partial class ChartText
{
    private static readonly (string File, string Published, string Wanted)[] Changes =
    [
        // The pods leave with a preStop sleep.
        ("Chart.yaml", "\">= 1.18.0-0\"", "\">= 1.30.0-0\""),
        ("values.yaml", "\"api:latest\"\n", $"\"registry.example/kiro-api:{PublishedSettings.Version}\"\n    min_replicas: {PublishedSettings.Nodes}\n    max_replicas: 20\n"),
        ("values.yaml", "\"balancer:latest\"\n", $"\"registry.example/kiro-balancer:{PublishedSettings.Version}\"\n    replicas: 2\n"),
        ("templates/api/autoscaler.yaml", $"minReplicas: {PublishedSettings.Nodes}\n", "minReplicas: {{ .Values.parameters.api.min_replicas }}\n"),
        ("templates/api/autoscaler.yaml", "maxReplicas: 20\n", "maxReplicas: {{ .Values.parameters.api.max_replicas }}\n"),
        ("templates/balancer/deployment.yaml", "replicas: 2\n", "replicas: {{ .Values.parameters.balancer.replicas }}\n"),
        // The name of the nodes' service is the chart's to know.
        ("values.yaml", "    BACKEND_DNS: \"api-service\"\n", ""),
        ("templates/balancer/config.yaml", "\"{{ .Values.config.balancer.BACKEND_DNS }}\"", "\"api-service\""),
    ];

    // Two releases in one namespace must not have the same names. A Service's name has room for 63 letters, and no dots.
    private const string Release = "{{ .Release.Name | trunc 40 | replace \".\" \"-\" | trimSuffix \"-\" }}";

    public static async Task WriteAsync(PipelineStepContext context)
    {
        var folder = context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory();
        foreach (var (name, published, wanted) in Changes)
        {
            await ChangeAsync(Path.Combine(folder, name), text => text.Contains(published, StringComparison.Ordinal)
                ? text.Replace(published, wanted, StringComparison.Ordinal)
                : throw new InvalidOperationException($"The publisher no longer writes {published} into {name}."));
        }

        foreach (var file in Directory.GetFiles(Path.Combine(folder, "templates"), "*.yaml", SearchOption.AllDirectories))
        {
            await ChangeAsync(file, text => Name().Replace(Value().Replace(text, "{{ $1 | quote }}"), $"\"{Release}-$1\""));
        }

        async Task ChangeAsync(string file, Func<string, string> change) => await File.WriteAllTextAsync(
            file, change(await File.ReadAllTextAsync(file, context.CancellationToken)), context.CancellationToken);
    }

    // Between the publisher's own quotes a value could hold none.
    [GeneratedRegex(@"""\{\{ (\.Values\.[\w.]+) \}\}""")]
    private static partial Regex Value();

    [GeneratedRegex("\"((api|balancer)-(autoscaler|budget|config|deployment|network|secrets|service))\"")]
    private static partial Regex Name();
}
