namespace Kiro.SideBySide.Load;

internal enum AnswerState
{
    /// <summary>More has to come.</summary>
    Partial,

    /// <summary>All of it is there.</summary>
    Whole,

    /// <summary>It is no HTTP/1.1 answer, or more than one.</summary>
    Broken,
}
