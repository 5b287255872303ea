namespace Kiro.SideBySide.Load;

internal enum AnswerState
{
    /// <summary>Incomplete.</summary>
    Partial,

    /// <summary>Complete.</summary>
    Whole,

    /// <summary>Not an HTTP/1.1 response, or more than one.</summary>
    Broken,
}
