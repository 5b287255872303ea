using Aspire.Hosting.Pipelines;
using Kiro.AppHost.Published;
using Microsoft.Extensions.DependencyInjection;

namespace Kiro.AppHost.Export;

/// <summary>What the publisher writes into the chart's own files and has no setting for.</summary>
internal static class ChartText
{
    private static readonly (string File, string Published, string Wanted)[] Changes =
    [
        // The pods leave with a preStop sleep.
        ("Chart.yaml", "\">= 1.18.0-0\"", "\">= 1.30.0-0\""),
        ("values.yaml", "\"api:latest\"", $"\"registry.example/kiro-api:{PublishedSettings.Version}\""),
        ("values.yaml", "\"balancer:latest\"", $"\"registry.example/kiro-balancer:{PublishedSettings.Version}\""),
    ];

    public static async Task WriteAsync(PipelineStepContext context)
    {
        var folder = context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory();
        foreach (var (name, published, wanted) in Changes)
        {
            var file = Path.Combine(folder, name);
            var text = await File.ReadAllTextAsync(file, context.CancellationToken);
            if (!text.Contains(published, StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"The publisher no longer writes {published} into {name}.");
            }

            await File.WriteAllTextAsync(file, text.Replace(published, wanted, StringComparison.Ordinal), context.CancellationToken);
        }
    }
}
