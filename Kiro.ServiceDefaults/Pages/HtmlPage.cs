using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Kiro.ServiceDefaults.Pages;

/// <summary>
/// A single-file page with one script and one style, with a content security policy that allows exactly these two and
/// requests to this server.
/// </summary>
public sealed class HtmlPage
{
    /// <summary>Creates the page from its HTML.</summary>
    /// <exception cref="InvalidOperationException">There is not exactly one <c>script</c> and one <c>style</c> without attributes.</exception>
    public HtmlPage(string html)
    {
        Html = html.ReplaceLineEndings("\n");
        Policy = $"default-src 'none'; script-src {HashOf("script")}; style-src {HashOf("style")}; "
            + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    }

    /// <summary>The HTML.</summary>
    public string Html { get; }

    /// <summary>Its Content-Security-Policy.</summary>
    public string Policy { get; }

    /// <summary>Reads a page from an assembly's resources.</summary>
    public static HtmlPage Embedded(Assembly assembly, string name)
    {
        using var stream = assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{assembly.GetName().Name} has no resource {name}.");
        using var reader = new StreamReader(stream);
        return new HtmlPage(reader.ReadToEnd());
    }

    /// <summary>Responds with the page.</summary>
    public IResult Respond(HttpResponse response)
    {
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        return Results.Content(Html, "text/html; charset=utf-8");
    }

    private string HashOf(string element)
    {
        var parts = Html.Split($"<{element}>");
        var end = parts[^1].IndexOf($"</{element}>", StringComparison.Ordinal);
        return parts.Length == 2 && end >= 0
            ? $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(parts[1][..end])))}'"
            : throw new InvalidOperationException($"The page must have exactly one <{element}>.");
    }
}
