using Kiro.Tests.Balancer.Listening.Tls;

namespace Kiro.Tests.Support;

/// <summary>How requests reach the backends in the running test: on the event loops, over plain HTTP, unless its class says otherwise.</summary>
internal static class TestedPath
{
    private static readonly Lazy<TestCertificates> Certificates = new(() =>
    {
        var certificates = new TestCertificates();
        certificates.Write("a", ["a.example"]);
        return certificates;
    });

    /// <summary>The <c>FORWARDER</c> setting, as NAME=value.</summary>
    public static string Setting => Has<OverYarpAttribute>() ? "FORWARDER=yarp" : Has<OverLeanAttribute>() ? "FORWARDER=lean" : "FORWARDER=loop";

    /// <summary>Whether the event loops forward. They parse requests themselves, so limits of Kestrel and HttpClient do not apply.</summary>
    public static bool IsLoop => OperatingSystem.IsLinux() && Setting.EndsWith("loop", StringComparison.Ordinal);

    /// <summary>Whether clients connect over TLS.</summary>
    public static bool IsTls => Has<OverTlsAttribute>();

    /// <summary>The URI scheme that clients use.</summary>
    public static string Scheme => IsTls ? "https" : "http";

    /// <summary>The port settings of a balancer, as NAME=value.</summary>
    /// <param name="port">The port that clients connect to.</param>
    public static string[] Ports(int port) => IsTls
        ? [$"BALANCER_PORT={FreePort.Next()}", $"TLS_PORT={port}", $"TLS_CERTIFICATES={Certificates.Value.Folder}"]
        : [$"BALANCER_PORT={port}"];

    private static bool Has<T>() =>
        (TestContext.Current.TestClass as Xunit.v3.IXunitTestClass)?.Class.IsDefined(typeof(T), inherit: false) == true;
}

/// <summary>Runs the tests of a class with clients that connect over TLS, on the event loops.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OverTlsAttribute : Attribute;

/// <summary>Runs the tests of a class with Kestrel in front and Kiro's own HTTP/1 exchange behind it (<c>FORWARDER=lean</c>).</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OverLeanAttribute : Attribute;

/// <summary>Runs the tests of a class with YARP as the forwarder (<c>FORWARDER=yarp</c>).</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OverYarpAttribute : Attribute;
