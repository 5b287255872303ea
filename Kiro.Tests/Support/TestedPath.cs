using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Kiro.Tests.Balancer.Listening.Tls;

namespace Kiro.Tests.Support;

/// <summary>How requests reach the backends in the running test: on the event loops, over plain HTTP, unless its class says otherwise.</summary>
internal static partial class TestedPath
{
    private static readonly Lazy<TestCertificates> Certificates = new(() =>
    {
        var certificates = new TestCertificates();
        certificates.Write("a", ["a.example"]);
        return certificates;
    });

    private static readonly Lazy<(string Authorities, X509Certificate2 Certificate)> Nodes = new(() =>
    {
        var authority = new TestAuthority();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => authority.Dispose();
        return (authority.File, authority.Issue(["127.0.0.1", "::ffff:127.0.0.1", "localhost"]));
    });

    private static readonly ConcurrentDictionary<int, bool> TlsNodes = [];

    /// <summary>The <c>FORWARDER</c> setting, as NAME=value.</summary>
    public static string Setting => Has<OverYarpAttribute>() ? "FORWARDER=yarp" : Has<OverLeanAttribute>() ? "FORWARDER=lean" : "FORWARDER=loop";

    /// <summary>Whether the event loops forward. They parse requests themselves, so limits of Kestrel and HttpClient do not apply.</summary>
    public static bool IsLoop => OperatingSystem.IsLinux() && Setting.EndsWith("loop", StringComparison.Ordinal);

    /// <summary>Whether clients connect over TLS, and the balancer to the nodes.</summary>
    public static bool IsTls => Has<OverTlsAttribute>();

    /// <summary>The URI scheme that clients use.</summary>
    public static string Scheme => IsTls ? "https" : "http";

    /// <summary>The settings of a balancer, as NAME=value.</summary>
    /// <param name="port">The port that clients connect to.</param>
    /// <param name="hosts">The nodes, as in BACKEND_HOSTS without TLS.</param>
    public static string[] Settings(int port, string hosts) => IsTls
        ?
        [
            $"BALANCER_PORT={FreePort.Next()}", $"TLS_PORT={port}", $"TLS_CERTIFICATES={Certificates.Value.Folder}", Setting,
            $"BACKEND_CA={Nodes.Value.Authorities}", "BACKEND_HOSTS=" + Address().Replace(hosts, node =>
                TlsNodes.ContainsKey(int.Parse(node.Groups[1].ValueSpan, CultureInfo.InvariantCulture)) ? $"https://{node.Value}" : node.Value),
        ]
        : [$"BALANCER_PORT={port}", $"BACKEND_HOSTS={hosts}", Setting];

    /// <summary>The certificate of a node that the test starts; null when it speaks plain HTTP.</summary>
    /// <param name="port">The port of the node.</param>
    public static X509Certificate2? CertificateOfNode(int port)
    {
        if (!IsTls)
        {
            return null;
        }

        TlsNodes[port] = true;
        return Nodes.Value.Certificate;
    }

    [GeneratedRegex(@"(?:127\.0\.0\.1|localhost|\[::ffff:127\.0\.0\.1\]):(\d+)")]
    private static partial Regex Address();

    private static bool Has<T>() =>
        (TestContext.Current.TestClass as Xunit.v3.IXunitTestClass)?.Class.IsDefined(typeof(T), inherit: false) == true;
}

/// <summary>Runs the tests of a class with TLS to clients and nodes, on the event loops.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OverTlsAttribute : Attribute;

/// <summary>Runs the tests of a class with Kestrel in front and Kiro's own HTTP/1 exchange behind it (<c>FORWARDER=lean</c>).</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OverLeanAttribute : Attribute;

/// <summary>Runs the tests of a class with YARP as the forwarder (<c>FORWARDER=yarp</c>).</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OverYarpAttribute : Attribute;

/// <summary>
/// Deviations from the RFCs that come from Kestrel or HttpClient and that no setting fixes. On every other path the tests
/// expect what the RFC says.
/// </summary>
internal static class KnownDifferences
{
    private static bool IsOverYarp => TestedPath.Setting == "FORWARDER=yarp";

    private static bool IsOverKestrel => IsOverYarp || TestedPath.Setting == "FORWARDER=lean";

    /// <summary>Kestrel rejects whitespace between a chunk size and its extensions; RFC 9112, section 7.1.1 allows it.</summary>
    public static bool RefusesSpaceInChunkLines => IsOverKestrel;

    /// <summary>Kestrel skips any CR and LF before a request line; RFC 9112, section 2.2 allows an empty line only.</summary>
    public static bool SkipsBareCarriageReturns => IsOverKestrel;

    /// <summary>Kestrel ignores the options in one Connection line if another line is just "keep-alive".</summary>
    public static bool ForgetsNamesInOtherLines => IsOverKestrel;

    /// <summary>HttpClient drops interim responses other than 100; RFC 9110, section 15.2 requires them to be forwarded.</summary>
    public static bool DropsInterimResponses => IsOverYarp;
}
