using System.Security.Cryptography;
using System.Text;

namespace Kiro.Balancer.Status;

/// <summary>The page <c>/lb</c>: one file, which may run its own script and style and nothing else.</summary>
internal sealed class StatusPage
{
    private const string ScriptStart = "<script>";
    private const string ScriptEnd = "</script>";

    private readonly string _html;
    private readonly string _policy;

    public StatusPage()
    {
        using var stream = typeof(StatusPage).Assembly.GetManifestResourceStream("status.html")!;
        using var reader = new StreamReader(stream);
        _html = reader.ReadToEnd().ReplaceLineEndings("\n");
        var start = _html.IndexOf(ScriptStart, StringComparison.Ordinal) + ScriptStart.Length;
        var script = _html[start.._html.IndexOf(ScriptEnd, StringComparison.Ordinal)];
        var hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)));
        _policy = $"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    }

    public IResult Answer(HttpResponse response)
    {
        response.Headers.ContentSecurityPolicy = _policy;
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        return Results.Content(_html, "text/html; charset=utf-8");
    }
}
