namespace Kiro.Tests.Monitoring;

/// <summary>A metric in a PromQL expression.</summary>
/// <param name="Metric">Its name.</param>
/// <param name="Matchers">The labels it is selected by; the value where it must be equal, else null.</param>
internal sealed record MetricSelector(string Metric, IReadOnlyList<(string Label, string? Value)> Matchers);
