using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Admin.Contract;

/// <summary>The response of <c>GET /lb/config</c>: what <c>--check</c> prints.</summary>
/// <param name="Settings">By name; secrets are hidden.</param>
/// <param name="Warnings">What is allowed but hardly meant.</param>
internal sealed record ConfigStatus(IReadOnlyList<SettingInForce> Settings, IReadOnlyList<string> Warnings);
