namespace Kiro.Balancer.Admin.Moves;

/// <summary>A node in a cluster that might be.</summary>
/// <param name="Id">A new node has an invented one.</param>
/// <param name="Node">The name that it gives itself.</param>
/// <param name="Change"><c>stays</c>, <c>joins</c> or <c>leaves</c>.</param>
/// <param name="Before">Its share of all clients now, as a fraction of 1.</param>
/// <param name="After">Its share then.</param>
/// <param name="Gains">The share of all clients that would come to it from other nodes.</param>
/// <param name="GainsClients">How many of the recent clients would.</param>
internal sealed record WhatIfNode(string Id, string? Node, string Change, double Before, double After, double Gains, long GainsClients);
