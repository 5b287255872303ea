using Kiro.SideBySide.Load;

namespace Kiro.SideBySide.Backends;

/// <summary>The backends' responses. All but the files name the node, so that the mapping of clients can be checked.</summary>
internal static class BackendFiles
{
    public static Exchange SmallGet { get; } = new("GET", "/", 0, NodeResponse("api-1").Length);

    public static Exchange TenKilobytes { get; } = new("GET", "/10k", 0, 10 * 1024);

    public static Exchange Megabyte { get; } = new("GET", "/1m", 0, 1024 * 1024);

    public static Exchange Post { get; } = new("POST", "/post", 10 * 1024, SmallGet.ResponseBody);

    public static string NodeResponse(string node) => $$"""{"node":"{{node}}","status":"ok","message":"a small answer of an API"}""";

    /// <summary>Non-repeating text, so that misplaced parts are detected.</summary>
    public static byte[] Content(Exchange exchange)
    {
        var content = new byte[exchange.ResponseBody];
        var random = new Random(content.Length);
        for (var at = 0; at < content.Length; at++)
        {
            content[at] = (byte)random.Next('a', 'z' + 1);
        }

        return content;
    }
}
