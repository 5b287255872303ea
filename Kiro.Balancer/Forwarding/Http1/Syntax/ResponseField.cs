namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>A field of an answer: where it stands in the bytes of the head.</summary>
/// <param name="Known">Its name, if that is a well-known one.</param>
/// <param name="NameStart">Place of the name.</param>
/// <param name="NameLength">Length of the name.</param>
/// <param name="ValueStart">Place of the value, without the space around it.</param>
/// <param name="ValueLength">Length of the value.</param>
internal readonly record struct ResponseField(FieldName? Known, int NameStart, int NameLength, int ValueStart, int ValueLength);
