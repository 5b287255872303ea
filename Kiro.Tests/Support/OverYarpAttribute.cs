namespace Kiro.Tests.Support;

/// <summary>The balancers of these tests forward by YARP (<c>FORWARDER=yarp</c>).</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OverYarpAttribute : Attribute
{
    /// <summary>The setting for the running test, as NAME=value.</summary>
    public static string Setting =>
        (TestContext.Current.TestClass as Xunit.v3.IXunitTestClass)?.Class.IsDefined(typeof(OverYarpAttribute), inherit: false) == true
            ? "FORWARDER=yarp" : Environment.GetEnvironmentVariable("KIRO_TESTS_OVER") is { } path ? $"FORWARDER={path}" : "FORWARDER=lean";
}
