using Kiro.Tests.Balancer.Forwarding.Smuggling;
using Kiro.Tests.Balancer.Forwarding.Streams;
using Kiro.Tests.Balancer.Health.Passive;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

// The forwarding tests once more with TLS to clients and nodes, on the event loops: every path passes the same tests.

[OverTls]
public sealed class BackpressureTestsOverTls(ITestOutputHelper output) : BackpressureTests(output);

[OverTls]
public sealed class BodyTestsOverTls : BodyTests;

[OverTls]
public sealed class BrokenResponseTestsOverTls : BrokenResponseTests;

[OverTls]
public sealed class ClientAbortTestsOverTls : ClientAbortTests;

[OverTls]
public sealed class ConnectionAuthenticationTestsOverTls : ConnectionAuthenticationTests;

[OverTls]
public sealed class SuspectNodeTestsOverTls : SuspectNodeTests;

[OverTls]
public sealed class DrainTestsOverTls : DrainTests;

[OverTls]
public sealed class EarlyResponseTestsOverTls : EarlyResponseTests;

[OverTls]
public sealed class ErrorStatusTestsOverTls : ErrorStatusTests;

[OverTls]
public sealed class ExpectTestsOverTls : ExpectTests;

[OverTls]
public sealed class ForwardedHeadersTestsOverTls : ForwardedHeadersTests;

[OverTls]
public sealed class HalfClosedClientTestsOverTls : HalfClosedClientTests;

[OverTls]
public sealed class HopByHopTestsOverTls : HopByHopTests;

[OverTls]
public sealed class KeepAliveTestsOverTls : KeepAliveTests;

[OverTls]
public sealed class LargeBodyTestsOverTls(ITestOutputHelper output) : LargeBodyTests(output);

[OverTls]
public sealed class LostConnectionTestsOverTls : LostConnectionTests;

[OverTls]
public sealed class NodeDrainTestsOverTls : NodeDrainTests;

[OverTls]
public sealed class RefusedConnectionTestsOverTls : RefusedConnectionTests;

[OverTls]
public sealed class RequestAddressTestsOverTls : RequestAddressTests;

[OverTls]
public sealed class RequestHeaderTestsOverTls : RequestHeaderTests;

[OverTls]
public sealed class RequestTargetTestsOverTls : RequestTargetTests;

[OverTls]
public sealed class ResponseHeaderTestsOverTls : ResponseHeaderTests;

[OverTls]
public sealed class SessionTestsOverTls : SessionTests;

[OverTls]
public sealed class SmugglingCorpusTestsOverTls(ITestOutputHelper output) : SmugglingCorpusTests(output);

[OverTls]
public sealed class SmugglingTestsOverTls : SmugglingTests;

[OverTls]
public sealed class StallTestsOverTls : StallTests;

[OverTls]
public sealed class StreamDrainTestsOverTls : StreamDrainTests;

[OverTls]
public sealed class StreamingTestsOverTls : StreamingTests;

[OverTls]
public sealed class TrailerTestsOverTls : TrailerTests;

[OverTls]
public sealed class UpgradeTestsOverTls : UpgradeTests;

[OverTls]
public sealed class WebSocketTestsOverTls : WebSocketTests;

[OverTls]
public sealed class RequestConformanceTestsOverTls : RequestConformanceTests;

[OverTls]
public sealed class ResponseConformanceTestsOverTls : ResponseConformanceTests;
