using System.Diagnostics;
using System.IO.Compression;
using System.Text.RegularExpressions;
using Kiro.Tests.Support;

namespace Kiro.Tests.Tool;

/// <summary>The tool package redistributes third-party libraries, whose licences require notices.</summary>
public sealed partial class NoticesTests
{
    [Fact]
    public async Task Package_ThirdPartyLibraries_AreListedWithTheirLicenceTexts()
    {
        await using var package = await PackAsync();

        var notices = Text(package, "THIRD-PARTY-NOTICES.txt");
        var libraries = package.Entries.Select(entry => entry.Name).Where(name => name.EndsWith(".dll", StringComparison.Ordinal)
            && !name.StartsWith("kiro", StringComparison.OrdinalIgnoreCase)).ToList();
        var blocks = notices.Split("----")[0].Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[1..];
        Assert.Contains("Yarp.ReverseProxy.dll", libraries);
        Assert.Equal(libraries.Order(StringComparer.Ordinal), blocks.SelectMany(block => Files().Match(block).Groups[1].Value.Split(", ")).Order(StringComparer.Ordinal));
        Assert.All(blocks, block => Assert.Matches("\n    Licence: (MIT|Apache-2.0)(\n|$)", block));
        Assert.All(blocks, block => Assert.Matches($"(?m)^Licence of (.*, )?{Regex.Escape(block.Split('\n')[0])}(,|$)", notices));
        Assert.Contains("Permission is hereby granted, free of charge", notices, StringComparison.Ordinal);
        Assert.Contains("TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION", notices, StringComparison.Ordinal);
        Assert.Contains("License notice for gRPC for .NET", notices, StringComparison.Ordinal);
        // Also next to the binaries.
        Assert.Equal(notices, Text(package, "tools/net10.0/any/THIRD-PARTY-NOTICES.txt"));
        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "LICENSE"), TestContext.Current.CancellationToken), Text(package, "tools/net10.0/any/LICENSE"));
    }

    private static async Task<ZipArchive> PackAsync()
    {
        var folder = Directory.CreateTempSubdirectory("kiro-pack-").FullName;
        var configuration = Directory.GetParent(AppContext.BaseDirectory.TrimEnd('/'))!.Name;
        var start = new ProcessStartInfo("dotnet", ["pack", Path.Combine(Repository.Root, "Kiro.Tool"), "--no-build", "-c", configuration, "-o", folder, "-v", "q", "--nologo"])
        {
            RedirectStandardOutput = true,
        };
        using var pack = Process.Start(start)!;
        var output = await pack.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await pack.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(pack.ExitCode == 0, output);
        return await ZipFile.OpenReadAsync(Directory.GetFiles(folder, "kiro.*.nupkg").Single(), TestContext.Current.CancellationToken);
    }

    private static string Text(ZipArchive package, string name)
    {
        using var reader = new StreamReader(package.GetEntry(name)!.Open());
        return reader.ReadToEnd();
    }

    [GeneratedRegex("\n    Files: (.*)")]
    private static partial Regex Files();
}
