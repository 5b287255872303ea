using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Retry;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
using Kiro.Balancer.Health.Passive;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Listening;
using Kiro.Balancer.Selection;
using Kiro.Balancer.Telemetry.Traffic;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>The rooms that a request on a loop walks through: the same ones, and the same counts, as on Kestrel's path.</summary>
internal sealed record FrontServices(
    ClientResolver Clients,
    ClientCensus Census,
    ClientHash Hash,
    BackendRegistry Registry,
    BackendChooser Chooser,
    ForwardingCounters Counters,
    RetryChooser RetryChooser,
    FailureReports Reports,
    BackendGates Gates,
    BufferBudget BufferBudget,
    Reloadable<ForwardingTimeouts> Timeouts,
    RequestLimit Requests,
    Reloadable<LimitOptions> Limits,
    BodyLimit Bodies,
    ForwardingRules Rules,
    LoopGuard Loops,
    ClientAdmission Admission,
    ConnectionLimit Limit,
    ClientConnections PerClient,
    ProxyHeaders Introductions,
    Reloadable<ListeningOptions> Listening,
    OpenStreams Streams,
    OwnResponses Own,
    Reloadable<ErrorPage> ErrorPage,
    Drain Drain,
    TimeProvider Time,
    FrontMetrics Metrics,
    FrontAccessLog AccessLog,
    ILogger<FrontExchange> Logger);
