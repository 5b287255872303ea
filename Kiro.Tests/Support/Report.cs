namespace Kiro.Tests.Support;

internal static class Report
{
    /// <summary>Writes a line to the test output and to the file named by <c>KIRO_REPORT</c>.</summary>
    public static void WriteLine(string line)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(line);
        if (Environment.GetEnvironmentVariable("KIRO_REPORT") is { Length: > 0 } file)
        {
            File.AppendAllLines(file, [line]);
        }
    }
}
