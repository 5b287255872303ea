namespace Kiro.Tests.Support;

/// <summary>The balancers of these tests forward by YARP (<c>FORWARDER=yarp</c>).</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OverYarpAttribute : Attribute
{
    /// <summary>The setting for the running test, as NAME=value.</summary>
    public static string Setting => Has<OverYarpAttribute>() ? "FORWARDER=yarp" : Has<OverLeanAttribute>() ? "FORWARDER=lean" : "FORWARDER=loop";

    /// <summary>Whether the running test's balancers forward on event loops, which read requests themselves: what begins in
    /// Kestrel's reading of them, or in what HttpClient can write, does not concern these.</summary>
    public static bool IsLoop => OperatingSystem.IsLinux() && Setting.EndsWith("loop", StringComparison.Ordinal);

    private static bool Has<T>() =>
        (TestContext.Current.TestClass as Xunit.v3.IXunitTestClass)?.Class.IsDefined(typeof(T), inherit: false) == true;
}

/// <summary>The balancers of these tests forward by Kiro's own exchange behind Kestrel (<c>FORWARDER=lean</c>).</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OverLeanAttribute : Attribute;
