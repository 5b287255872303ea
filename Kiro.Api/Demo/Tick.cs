namespace Kiro.Api.Demo;

/// <summary>One server-sent event.</summary>
internal sealed record Tick(string Node, long Number, DateTimeOffset At);
