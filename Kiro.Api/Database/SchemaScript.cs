using System.Globalization;

namespace Kiro.Api.Database;

/// <summary>One step of the schema: <c>Schema/{kind}/{number}-{name}.sql</c>. A released script is never changed.</summary>
internal sealed record SchemaScript(int Version, string Sql)
{
    public static IReadOnlyList<SchemaScript> For(string kind)
    {
        var assembly = typeof(SchemaScript).Assembly;
        var folder = $"schema/{kind}/";
        return [.. assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(folder, StringComparison.Ordinal))
            .Select(name => new SchemaScript(Number(name[folder.Length..]), Read(name)))
            .OrderBy(script => script.Version)];

        string Read(string name)
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            return reader.ReadToEnd();
        }
    }

    private static int Number(string file) =>
        int.Parse(file.AsSpan(0, file.IndexOf('-', StringComparison.Ordinal)), CultureInfo.InvariantCulture);
}
