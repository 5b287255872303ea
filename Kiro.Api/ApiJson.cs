using System.Text.Json.Serialization;
using System.Text.Json;
using Kiro.Api.Callers;
using Kiro.Api.Demo;
using Kiro.Api.Health;
using Kiro.Api.Ledger;
using Kiro.Api.Nodes;
using Kiro.Api.Problems;
using Kiro.Api.Status;

namespace Kiro.Api;

/// <summary>The JSON responses of a node.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(HealthReport))]
[JsonSerializable(typeof(CallerResponse))]
[JsonSerializable(typeof(NodesResponse))]
[JsonSerializable(typeof(ClientsResponse))]
[JsonSerializable(typeof(StatusResponse))]
[JsonSerializable(typeof(SlowResponse))]
[JsonSerializable(typeof(Tick))]
[JsonSerializable(typeof(Problem))]
internal sealed partial class ApiJson : JsonSerializerContext;
