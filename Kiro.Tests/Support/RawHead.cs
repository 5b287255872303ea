namespace Kiro.Tests.Support;

/// <summary>Reads the head of a message as it went over the wire.</summary>
internal static class RawHead
{
    /// <summary>The values of a field, one for each of its lines, in their order.</summary>
    public static IReadOnlyList<string> Values(string head, string name) =>
    [
        .. head.Split("\r\n").Skip(1)
            .Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
            .Select(line => line[(name.Length + 1)..].Trim(' ')),
    ];

    /// <summary>The value of a field that is there once; null when it is not there.</summary>
    public static string? Value(string head, string name)
    {
        var values = Values(head, name);
        Assert.True(values.Count <= 1, $"{name} is there {values.Count} times:\n{head}");
        return values.Count == 0 ? null : values[0];
    }

    public static bool Has(string head, string name) => Values(head, name).Count > 0;

    public static string StartLine(string head) => head.Split("\r\n")[0];
}
