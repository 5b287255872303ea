using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>Writes the notices required by the licences of a program's packages. An inline MSBuild task.</summary>
public sealed class WriteThirdPartyNotices : Task
{
    [Required]
    public string Program { get; set; }

    /// <summary>The shipped files; those from packages have <c>NuGetPackageId</c> and <c>NuGetPackageVersion</c> metadata.</summary>
    [Required]
    public ITaskItem[] Files { get; set; }

    /// <summary>The runtime, if the program includes it.</summary>
    public ITaskItem[] RuntimePacks { get; set; } = [];

    /// <summary>Licence and copyright of packages that do not declare them.</summary>
    public ITaskItem[] Known { get; set; } = [];

    /// <summary>Kiro's own licence, which provides the text of the MIT licence.</summary>
    [Required]
    public string OwnLicense { get; set; }

    [Required]
    public string Output { get; set; }

    public override bool Execute()
    {
        var packages = Files.Where(file => Path.GetExtension(file.ItemSpec) is ".dll" or ".so" or ".dylib" or ".a")
            .Concat(RuntimePacks)
            .Where(file => file.GetMetadata("NuGetPackageId").Length > 0 && file.GetMetadata("ReferenceSourceTarget") != "ProjectReference")
            .GroupBy(file => (Id: file.GetMetadata("NuGetPackageId"), Version: file.GetMetadata("NuGetPackageVersion")))
            .OrderBy(files => files.Key.Id, StringComparer.OrdinalIgnoreCase)
            .Select(files => Read(files.Key.Id, files.Key.Version, files))
            .ToList();
        var texts = packages.Where(package => package.Text != null).GroupBy(package => package.License).ToDictionary(same => same.Key, same => same.First().Text);
        texts["MIT"] = "Permission is" + File.ReadAllText(OwnLicense).Split(["Permission is"], 2, StringSplitOptions.None)[1];

        var notices = new StringBuilder();
        notices.Append($"{Program} contains third-party software. Kiro's own licence is in LICENSE.\n\n");
        foreach (var package in packages)
        {
            notices.Append($"{package.Name}\n    {package.Address}\n    {package.Copyright}\n    Licence: {package.License}\n");
            notices.Append(package.Files.Count == 0 ? "\n" : $"    Files: {string.Join(", ", package.Files)}\n\n");
        }

        foreach (var same in packages.GroupBy(package => package.Text ?? TextOf(package, texts)))
        {
            Section(notices, $"Licence of {string.Join(", ", same.Select(package => package.Name))}", same.Key);
        }

        foreach (var same in packages.Where(package => package.Notices != null).GroupBy(package => package.Notices))
        {
            Section(notices, $"Notices of {string.Join(", ", same.Select(package => package.Name))}", same.Key);
        }

        if (!Log.HasLoggedErrors)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Output));
            File.WriteAllText(Output, notices.ToString());
        }

        return !Log.HasLoggedErrors;
    }

    private Package Read(string id, string version, IEnumerable<ITaskItem> files)
    {
        var folder = files.Select(FolderOf).First();
        var about = XDocument.Load(Directory.GetFiles(folder, "*.nuspec").Single()).Root.Elements().Single().Elements().ToLookup(element => element.Name.LocalName);
        var known = Known.FirstOrDefault(item => string.Equals(item.ItemSpec, id, StringComparison.OrdinalIgnoreCase));
        var license = about["license"].FirstOrDefault();
        var isFile = (string)license?.Attribute("type") == "file";
        var text = isFile ? Text(Path.Combine(folder, license.Value)) : Find(folder, "licen[cs]e");
        var line = Regex.Match(text ?? "", @"^ *(Copyright .*\d{4}.*)$", RegexOptions.Multiline);
        var copyright = known?.GetMetadata("Copyright") ?? about["copyright"].FirstOrDefault()?.Value ?? (line.Success ? line.Groups[1].Value : about["authors"].First().Value);

        return new Package
        {
            Name = id + " " + version,
            Address = about["repository"].Select(repository => (string)repository.Attribute("url")).Concat(about["projectUrl"].Select(url => url.Value)).FirstOrDefault(),
            Copyright = Regex.IsMatch(copyright, "copyright|©", RegexOptions.IgnoreCase) ? copyright : "Copyright (c) " + copyright,
            License = known?.GetMetadata("License") ?? (isFile ? Recognized(text) : license?.Value) ?? "none",
            Text = text,
            Notices = Find(folder, "third-?party-?notices?|notice"),
            Files = [.. files.Where(file => file.GetMetadata("PackageDirectory").Length == 0).Select(file => Path.GetFileName(file.ItemSpec)).Distinct().OrderBy(name => name, StringComparer.Ordinal)],
        };
    }

    private static string FolderOf(ITaskItem file)
    {
        var pack = file.GetMetadata("PackageDirectory");
        for (var folder = pack.Length > 0 ? pack : Path.GetDirectoryName(file.GetMetadata("FullPath")); folder != null; folder = Path.GetDirectoryName(folder))
        {
            if (Directory.GetFiles(folder, "*.nuspec").Length == 1)
            {
                return folder;
            }
        }

        throw new InvalidOperationException($"No package above {file.ItemSpec}.");
    }

    private string TextOf(Package package, Dictionary<string, string> texts)
    {
        if (!texts.TryGetValue(package.License, out var text))
        {
            Log.LogError($"{package.Name} has the licence {package.License}, whose text is in none of the packages: see deploy/notices.");
            return "";
        }

        // Those who wrote it are named in the text of this licence, and in no other's.
        return package.License == "MIT" ? $"{package.Copyright}\n\n{text}" : text;
    }

    private static string Recognized(string text) => text.Contains("Permission is hereby granted, free of charge") ? "MIT" : "see below";

    private static string Find(string folder, string name) => Directory.GetFiles(folder)
        .Where(file => Regex.IsMatch(Path.GetFileName(file), $"^({name})(\\.txt|\\.md)?$", RegexOptions.IgnoreCase))
        .Select(Text)
        .FirstOrDefault();

    private static string Text(string file) => File.ReadAllText(file).Replace("\r\n", "\n").Trim('\n') + "\n";

    private static void Section(StringBuilder notices, string title, string text) =>
        notices.Append($"{new string('-', 78)}\n{title}\n{new string('-', 78)}\n\n{text}\n");

    private sealed class Package
    {
        public string Name, Address, Copyright, License, Text, Notices;
        public List<string> Files;
    }
}
