using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;

namespace Kiro.Balancer.Admin.Contract;

/// <summary>How everything that the balancer itself says is written as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StatusModel))]
[JsonSerializable(typeof(ConfigStatus))]
[JsonSerializable(typeof(ReloadedStatus))]
[JsonSerializable(typeof(ClusterEvent))]
[JsonSerializable(typeof(ClusterEvent[]))]
[JsonSerializable(typeof(WhatIfResponse))]
[JsonSerializable(typeof(HistoryResponse))]
[JsonSerializable(typeof(ClientStatus))]
[JsonSerializable(typeof(HealthStatus))]
[JsonSerializable(typeof(OrderResponse))]
[JsonSerializable(typeof(WeightRequest))]
[JsonSerializable(typeof(ProblemDetails))]
internal sealed partial class ContractJson : JsonSerializerContext;
