using System.Security.Cryptography;
using System.Text;

namespace Kiro.Api.Status;

/// <summary>The page, and a policy under which the browser runs this script and this style and nothing else.</summary>
internal sealed class StatusPage
{
    public StatusPage()
    {
        using var stream = typeof(StatusPage).Assembly.GetManifestResourceStream("status.html")!;
        using var reader = new StreamReader(stream);
        var html = reader.ReadToEnd().ReplaceLineEndings("\n");
        Html = Encoding.UTF8.GetBytes(html);
        Policy = $"default-src 'none'; script-src {Hash(html, "script")}; style-src {Hash(html, "style")}; "
            + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    }

    public byte[] Html { get; }

    public string Policy { get; }

    private static string Hash(string html, string element)
    {
        var start = html.IndexOf($"<{element}>", StringComparison.Ordinal) + element.Length + 2;
        var end = html.IndexOf($"</{element}>", start, StringComparison.Ordinal);
        return $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(html[start..end])))}'";
    }
}
