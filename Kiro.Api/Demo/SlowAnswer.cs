namespace Kiro.Api.Demo;

/// <summary>The answer that was waited for.</summary>
internal sealed record SlowAnswer(string Node, int Ms);
