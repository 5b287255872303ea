using System.Text.Json.Serialization;

namespace Kiro.Balancer.Forwarding;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ErrorAnswer.ErrorText))]
internal sealed partial class ErrorAnswerJson : JsonSerializerContext;
