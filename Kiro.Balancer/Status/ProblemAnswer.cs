namespace Kiro.Balancer.Status;

/// <summary>Why there is no answer, in one line.</summary>
internal sealed record ProblemAnswer(string Error);
