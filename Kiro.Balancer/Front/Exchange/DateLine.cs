using System.Globalization;
using System.Text;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>The Date of responses that have none (RFC 9110, section 6.6.1), written anew once a second.</summary>
internal sealed class DateLine(TimeProvider time)
{
    private byte[] _line = [];
    private long _second = -1;

    /// <summary>The whole line.</summary>
    public ReadOnlySpan<byte> Line
    {
        get
        {
            var now = time.GetUtcNow();
            var second = now.Ticks / TimeSpan.TicksPerSecond;
            if (second != _second)
            {
                _second = second;
                _line = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"Date: {now:R}\r\n"));
            }

            return _line;
        }
    }
}
