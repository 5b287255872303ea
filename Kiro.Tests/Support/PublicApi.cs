using System.Reflection;

namespace Kiro.Tests.Support;

/// <summary>Compares the public API of a package with the list checked in next to its project.</summary>
internal static class PublicApi
{
    /// <summary>Fails if the two differ. An intended change updates the list too.</summary>
    public static void AssertIsListed(Assembly assembly)
    {
        var file = Path.Combine(Repository.Root, assembly.GetName().Name!, "PublicApi.txt");
        var listed = File.Exists(file) ? File.ReadAllLines(file) : [];
        string[] offered = [.. Of(assembly)];

        Assert.True(listed.SequenceEqual(offered), $"""
            {file} does not match the public API of {assembly.GetName().Name}. Removing a member or changing its type breaks users.
            removed:
            {string.Join('\n', listed.Except(offered))}
            added:
            {string.Join('\n', offered.Except(listed))}
            """);
    }

    private static IEnumerable<string> Of(Assembly assembly) => assembly.GetExportedTypes()
        .SelectMany(type => type
            .GetMembers(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Where(member => member is not MethodInfo { IsSpecialName: true })
            .Select(member => $"{type.FullName}: {Text(member)}")
            .Prepend($"{type.FullName}: {(type.IsAbstract ? type.IsSealed ? "static " : "abstract " : type.IsSealed ? "sealed " : "")}class : {string.Join(", ", Bases(type))}"))
        .Order(StringComparer.Ordinal);

    private static string Text(MemberInfo member) => member switch
    {
        MethodBase method => $"{method}({string.Join(", ", method.GetParameters().Select(parameter => parameter.Name + (parameter.HasDefaultValue ? $" = {parameter.DefaultValue ?? "null"}" : "")))})",
        FieldInfo { IsLiteral: true } constant => $"const {constant} = {constant.GetRawConstantValue()}",
        PropertyInfo property => $"{property} {{{(property.GetMethod?.IsPublic == true ? " get;" : "")}{(property.SetMethod?.IsPublic == true ? " set;" : "")} }}",
        _ => member.ToString()!,
    };

    private static IEnumerable<string> Bases(Type type) =>
        type.GetInterfaces().Select(known => known.Name).Order(StringComparer.Ordinal).Prepend(type.BaseType?.Name ?? "none");
}
