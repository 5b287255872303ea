namespace Kiro.Tests.Support;

/// <summary>What a <see cref="TestBackend"/> received.</summary>
/// <param name="Method">As it stood in the request line.</param>
/// <param name="Target">As it stood in the request line.</param>
/// <param name="Headers">By name; repeated ones joined.</param>
/// <param name="Body">Its text.</param>
/// <param name="Node">Who received it.</param>
internal sealed record ReceivedRequest(string Method, string Target, Dictionary<string, string> Headers, string Body, string Node);
