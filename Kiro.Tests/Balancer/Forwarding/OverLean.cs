using Kiro.Tests.Balancer.Forwarding.Smuggling;
using Kiro.Tests.Balancer.Forwarding.Streams;
using Kiro.Tests.Balancer.Health.Passive;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

// The forwarding tests once more with Kestrel in front of Kiro's own HTTP/1 exchange: every path passes the same tests.

[OverLean]
public sealed class BackpressureTestsOverLean(ITestOutputHelper output) : BackpressureTests(output);

[OverLean]
public sealed class BodyTestsOverLean : BodyTests;

[OverLean]
public sealed class BrokenResponseTestsOverLean : BrokenResponseTests;

[OverLean]
public sealed class ClientAbortTestsOverLean : ClientAbortTests;

[OverLean]
public sealed class ConnectionAuthenticationTestsOverLean : ConnectionAuthenticationTests;

[OverLean]
public sealed class SuspectNodeTestsOverLean : SuspectNodeTests;

[OverLean]
public sealed class DrainTestsOverLean : DrainTests;

[OverLean]
public sealed class EarlyResponseTestsOverLean : EarlyResponseTests;

[OverLean]
public sealed class ErrorStatusTestsOverLean : ErrorStatusTests;

[OverLean]
public sealed class ExpectTestsOverLean : ExpectTests;

[OverLean]
public sealed class ForwardedHeadersTestsOverLean : ForwardedHeadersTests;

[OverLean]
public sealed class HalfClosedClientTestsOverLean : HalfClosedClientTests;

[OverLean]
public sealed class HopByHopTestsOverLean : HopByHopTests;

[OverLean]
public sealed class KeepAliveTestsOverLean : KeepAliveTests;

[OverLean]
public sealed class LargeBodyTestsOverLean(ITestOutputHelper output) : LargeBodyTests(output);

[OverLean]
public sealed class LostConnectionTestsOverLean : LostConnectionTests;

[OverLean]
public sealed class NodeDrainTestsOverLean : NodeDrainTests;

[OverLean]
public sealed class OwnPathTestsOverLean : OwnPathTests;

[OverLean]
public sealed class RefusedConnectionTestsOverLean : RefusedConnectionTests;

[OverLean]
public sealed class RequestAddressTestsOverLean : RequestAddressTests;

[OverLean]
public sealed class RequestHeaderTestsOverLean : RequestHeaderTests;

[OverLean]
public sealed class RequestTargetTestsOverLean : RequestTargetTests;

[OverLean]
public sealed class ResponseHeaderTestsOverLean : ResponseHeaderTests;

[OverLean]
public sealed class SessionTestsOverLean : SessionTests;

[OverLean]
public sealed class SmugglingCorpusTestsOverLean(ITestOutputHelper output) : SmugglingCorpusTests(output);

[OverLean]
public sealed class SmugglingTestsOverLean : SmugglingTests;

[OverLean]
public sealed class StallTestsOverLean : StallTests;

[OverLean]
public sealed class StreamDrainTestsOverLean : StreamDrainTests;

[OverLean]
public sealed class StreamingTestsOverLean : StreamingTests;

[OverLean]
public sealed class TrailerTestsOverLean : TrailerTests;

[OverLean]
public sealed class UpgradeTestsOverLean : UpgradeTests;

[OverLean]
public sealed class WebSocketTestsOverLean : WebSocketTests;

[OverLean]
public sealed class RequestConformanceTestsOverLean : RequestConformanceTests;

[OverLean]
public sealed class ResponseConformanceTestsOverLean : ResponseConformanceTests;
