using System.Diagnostics;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>Has the node go on with the balancer's span (W3C Trace Context). What else the client sent for tracing, above all
/// its baggage, is passed on as it came: the balancer adds nothing to it.</summary>
internal sealed class TraceContextPropagator : DistributedContextPropagator
{
    private static readonly DistributedContextPropagator W3c = CreateW3CPropagator();

    public override IReadOnlyCollection<string> Fields { get; } = ["traceparent", "tracestate"];

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
    {
        if (carrier is not HttpRequestMessage request || setter is null)
        {
            return;
        }

        W3c.Inject(activity, carrier, (_, name, value) =>
        {
            if (Fields.Contains(name))
            {
                request.Headers.Remove(name);
                setter(carrier, name, value);
            }
        });
    }

    public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState) =>
        W3c.ExtractTraceIdAndState(carrier, getter, out traceId, out traceState);

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;
}
