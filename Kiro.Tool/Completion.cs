namespace Kiro.Tool;

/// <summary>The scripts printed by <c>kiro completion</c>.</summary>
internal static class Completion
{
    private static readonly (string Word, string Meaning)[] Verbs =
    [
        ("status", "show a running balancer"), ("check", "validate and print the settings"),
        ("completion", "print a completion script"), ("help", "print the help"), ("version", "print the version"),
    ];

    private static readonly string[] Switches = ["--check", "--health", "--alive", "--takeover", "--help", "--version"];
    private static readonly string[] OfStatus = ["--watch", "--json", "--client", "--key", "--url", "--plain"];

    public static IReadOnlyList<string> Shells { get; } = ["bash", "zsh", "fish"];

    /// <param name="shell">One of <see cref="Shells"/>.</param>
    public static string Of(string shell) => shell switch
    {
        "fish" => Fish(),
        "zsh" => "autoload -U +X bashcompinit && bashcompinit\n" + Bash(),
        _ => Bash(),
    };

    private static string Bash() => $$"""
        _kiro() {
          local words="{{string.Join(' ', [.. Verbs.Select(verb => verb.Word), .. Options()])}}"
          case "${COMP_WORDS[1]}" in
            status) words="{{string.Join(' ', OfStatus)}}" ;;
            completion) words="{{string.Join(' ', Shells)}}" ;;
          esac
          COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _kiro kiro

        """;

    private static string Fish() => string.Concat(
        (string[])
        [
            .. Verbs.Select(verb => $"complete -c kiro -n __fish_use_subcommand -f -a {verb.Word} -d '{verb.Meaning}'\n"),
            .. OfStatus.Select(option => $"complete -c kiro -n '__fish_seen_subcommand_from status' -l {option[2..]}\n"),
            $"complete -c kiro -n '__fish_seen_subcommand_from completion' -f -a '{string.Join(' ', Shells)}'\n",
            .. Options().Select(option => $"complete -c kiro -n 'not __fish_seen_subcommand_from status completion' -l {option[2..]}\n"),
        ]);

    private static IEnumerable<string> Options() => Switches.Concat(SettingOptions.All.Select(option => option.Option));
}
