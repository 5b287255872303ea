namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>A well-known field.</summary>
/// <param name="Text">Its usual spelling; the very string that Kestrel knows it by.</param>
/// <param name="Kind">What becomes of it.</param>
internal sealed record FieldName(string Text, FieldKind Kind);
