namespace Kiro.Api.Callers;

/// <summary>The caller's own route: its address, and the node that serves it.</summary>
internal sealed record CallerAnswer(string Ip, string Node);
