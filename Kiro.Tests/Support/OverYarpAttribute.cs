using Kiro.Tests.Balancer.Listening.Tls;

namespace Kiro.Tests.Support;

/// <summary>The balancers of these tests forward by YARP (<c>FORWARDER=yarp</c>).</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OverYarpAttribute : Attribute
{
    private static readonly Lazy<TestCertificates> Certificates = new(() =>
    {
        var certificates = new TestCertificates();
        certificates.Write("a", ["a.example"]);
        return certificates;
    });

    /// <summary>The setting for the running test, as NAME=value.</summary>
    public static string Setting => Has<OverYarpAttribute>() ? "FORWARDER=yarp" : Has<OverLeanAttribute>() ? "FORWARDER=lean" : "FORWARDER=loop";

    /// <summary>Whether the running test's balancers forward on event loops, which read requests themselves: what begins in
    /// Kestrel's reading of them, or in what HttpClient can write, does not concern these.</summary>
    public static bool IsLoop => OperatingSystem.IsLinux() && Setting.EndsWith("loop", StringComparison.Ordinal);

    /// <summary>Whether the running test's clients come by TLS.</summary>
    public static bool IsTls => Has<OverTlsAttribute>();

    /// <summary>What the running test's clients ask by.</summary>
    public static string Scheme => IsTls ? "https" : "http";

    /// <summary>The ports of the running test's balancers, as NAME=value.</summary>
    /// <param name="port">Where its clients come.</param>
    public static string[] Ports(int port) => IsTls
        ? [$"BALANCER_PORT={FreePort.Next()}", $"TLS_PORT={port}", $"TLS_CERTIFICATES={Certificates.Value.Folder}"]
        : [$"BALANCER_PORT={port}"];

    private static bool Has<T>() =>
        (TestContext.Current.TestClass as Xunit.v3.IXunitTestClass)?.Class.IsDefined(typeof(T), inherit: false) == true;
}

/// <summary>The clients of these tests come by TLS, to event loops that have it.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OverTlsAttribute : Attribute;

/// <summary>The balancers of these tests forward by Kiro's own exchange behind Kestrel (<c>FORWARDER=lean</c>).</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OverLeanAttribute : Attribute;
