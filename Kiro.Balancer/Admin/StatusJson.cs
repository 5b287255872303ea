using System.Text.Json.Serialization;
using Kiro.Balancer.Admin.Moves;

namespace Kiro.Balancer.Admin;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StatusModel))]
[JsonSerializable(typeof(HealthStatus))]
[JsonSerializable(typeof(AdminAnswer))]
[JsonSerializable(typeof(WeightRequest))]
[JsonSerializable(typeof(WhatIfAnswer))]
[JsonSerializable(typeof(ProblemAnswer))]
internal sealed partial class StatusJson : JsonSerializerContext;
