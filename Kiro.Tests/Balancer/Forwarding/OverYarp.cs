using Kiro.Tests.Balancer.Forwarding.Smuggling;
using Kiro.Tests.Balancer.Forwarding.Streams;
using Kiro.Tests.Balancer.Health.Passive;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

// The forwarding tests once more with YARP as the forwarder: every path passes the same tests.

[OverYarp]
public sealed class BackpressureTestsOverYarp(ITestOutputHelper output) : BackpressureTests(output);

[OverYarp]
public sealed class BodyTestsOverYarp : BodyTests;

[OverYarp]
public sealed class BrokenResponseTestsOverYarp : BrokenResponseTests;

[OverYarp]
public sealed class ClientAbortTestsOverYarp : ClientAbortTests;

[OverYarp]
public sealed class ConnectionAuthenticationTestsOverYarp : ConnectionAuthenticationTests;

[OverYarp]
public sealed class SuspectNodeTestsOverYarp : SuspectNodeTests;

[OverYarp]
public sealed class DrainTestsOverYarp : DrainTests;

[OverYarp]
public sealed class EarlyResponseTestsOverYarp : EarlyResponseTests;

[OverYarp]
public sealed class ErrorStatusTestsOverYarp : ErrorStatusTests;

[OverYarp]
public sealed class ExpectTestsOverYarp : ExpectTests;

[OverYarp]
public sealed class ForwardedHeadersTestsOverYarp : ForwardedHeadersTests;

[OverYarp]
public sealed class HalfClosedClientTestsOverYarp : HalfClosedClientTests;

[OverYarp]
public sealed class HopByHopTestsOverYarp : HopByHopTests;

[OverYarp]
public sealed class KeepAliveTestsOverYarp : KeepAliveTests;

[OverYarp]
public sealed class LargeBodyTestsOverYarp(ITestOutputHelper output) : LargeBodyTests(output);

[OverYarp]
public sealed class LostConnectionTestsOverYarp : LostConnectionTests;

[OverYarp]
public sealed class NodeDrainTestsOverYarp : NodeDrainTests;

[OverYarp]
public sealed class OwnPathTestsOverYarp : OwnPathTests;

[OverYarp]
public sealed class RefusedConnectionTestsOverYarp : RefusedConnectionTests;

[OverYarp]
public sealed class RequestAddressTestsOverYarp : RequestAddressTests;

[OverYarp]
public sealed class RequestHeaderTestsOverYarp : RequestHeaderTests;

[OverYarp]
public sealed class RequestTargetTestsOverYarp : RequestTargetTests;

[OverYarp]
public sealed class ResponseHeaderTestsOverYarp : ResponseHeaderTests;

[OverYarp]
public sealed class SessionTestsOverYarp : SessionTests;

[OverYarp]
public sealed class SmugglingCorpusTestsOverYarp(ITestOutputHelper output) : SmugglingCorpusTests(output);

[OverYarp]
public sealed class SmugglingTestsOverYarp : SmugglingTests;

[OverYarp]
public sealed class StallTestsOverYarp : StallTests;

[OverYarp]
public sealed class StreamDrainTestsOverYarp : StreamDrainTests;

[OverYarp]
public sealed class StreamingTestsOverYarp : StreamingTests;

[OverYarp]
public sealed class TrailerTestsOverYarp : TrailerTests;

[OverYarp]
public sealed class UpgradeTestsOverYarp : UpgradeTests;

[OverYarp]
public sealed class WebSocketTestsOverYarp : WebSocketTests;

[OverYarp]
public sealed class RequestConformanceTestsOverYarp : RequestConformanceTests;

[OverYarp]
public sealed class ResponseConformanceTestsOverYarp : ResponseConformanceTests;
