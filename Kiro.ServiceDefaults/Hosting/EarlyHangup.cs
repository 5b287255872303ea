using System.Runtime.InteropServices;

namespace Kiro.ServiceDefaults.Hosting;

/// <summary>
/// Takes SIGHUP from the first moment on, which would end a process that has nobody to take it: whoever wants settings to be
/// read again need not know that the program is still starting.
/// </summary>
internal static class EarlyHangup
{
    private static int _came;

    /// <summary>Begins; the signal is left to the system again when the result is disposed of and nobody else takes it.</summary>
    public static IDisposable Take() => PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
    {
        context.Cancel = true;
        Volatile.Write(ref _came, 1);
    });

    /// <summary>Whether one came since <see cref="Take"/>, or since this was asked last.</summary>
    public static bool Came() => Interlocked.Exchange(ref _came, 0) == 1;
}
