namespace Kiro.Cluster.Terminal;

/// <summary>The size of the terminal at this moment, in characters.</summary>
internal static class TerminalSize
{
    public static (int Width, int Height) Now()
    {
        try
        {
            // A terminal that does not know its size says 0.
            return (Console.WindowWidth is > 0 and var width ? width : 80, Console.WindowHeight is > 0 and var height ? height : 24);
        }
        catch (IOException)
        {
            return (80, 24);
        }
    }
}
