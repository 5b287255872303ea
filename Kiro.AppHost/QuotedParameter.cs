namespace Kiro.AppHost;

/// <summary>A parameter quoted for a connection string, so that it may contain semicolons, quotes and spaces.</summary>
internal sealed class QuotedParameter(ParameterResource parameter) : IValueProvider, IManifestExpressionProvider, IValueWithReferences
{
    /// <inheritdoc />
    public string ValueExpression => $"\"{parameter.ValueExpression}\"";

    /// <inheritdoc />
    public IEnumerable<object> References => [parameter];

    /// <inheritdoc />
    public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        var value = await parameter.GetValueAsync(cancellationToken);
        return $"\"{value?.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
