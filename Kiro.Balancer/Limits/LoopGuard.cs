using System.Security.Cryptography;
using System.Text;
using Kiro.ServiceDefaults.Limits;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Limits;

/// <summary>Finds requests that came back to this balancer, because it stands among its own nodes or two balancers name
/// each other, and says so.</summary>
internal sealed partial class LoopGuard(HopMark mark, TimeProvider time, ILogger<LoopGuard> logger)
{
    /// <summary>What is said to whoever sent a request that came back, with 508 (RFC 5842, section 7.2).</summary>
    public const string Problem = "the request came back to this balancer: one of its nodes leads here again";

    private static readonly TimeSpan Recent = TimeSpan.FromMinutes(5);

    private readonly Burst _loops = new(time);

    /// <summary>Requests that came back since the start.</summary>
    public long Loops => _loops.Count;

    /// <summary>Whether there was one in the last minutes.</summary>
    public bool IsLooping => _loops.IsRecent(Recent);

    /// <summary>Judges a request by its <see cref="HopMark.FieldName"/>, and notes a loop.</summary>
    public bool IsLoop(in StringValues values)
    {
        if (!mark.IsIn(values))
        {
            return false;
        }

        Note();
        return true;
    }

    /// <summary>Notes a request that came back.</summary>
    public void Note()
    {
        if (_loops.Note() is > 0 and var count)
        {
            CameBack(logger, count);
        }
    }

    [LoggerMessage(35, LogLevel.Warning, "{Count} requests came back to this balancer and got 508: one of its nodes leads back here")]
    private static partial void CameBack(ILogger logger, long count);
}

/// <summary>
/// The mark that this balancer leaves on what it forwards, to know a request that comes back to it: an element of
/// <c>CDN-Loop</c> (RFC 8586). That field exists because <c>Via</c> (RFC 9110, section 7.6.3) cannot be had for nothing:
/// nginx, IIS and others stop compressing for whoever sends one.
/// </summary>
internal sealed class HopMark
{
    public const string FieldName = "CDN-Loop";

    private const int RandomBytes = 8;

    private readonly byte[] _bytes;
    private readonly byte[] _line;

    public HopMark()
        : this($"kiro-{RandomNumberGenerator.GetHexString(RandomBytes * 2, lowercase: true)}")
    {
    }

    /// <param name="name">A pseudonym that nobody else uses: a token (RFC 9110, section 5.6.2).</param>
    public HopMark(string name)
    {
        Name = name;
        _bytes = Encoding.ASCII.GetBytes(name);
        _line = Encoding.ASCII.GetBytes($"{FieldName}: {name}\r\n");
    }

    /// <summary>The element, as text.</summary>
    public string Name { get; }

    /// <summary>The element. What a client sent in the field comes before it, with a comma between them.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The whole field line, for a request that came without the field.</summary>
    public ReadOnlySpan<byte> Line => _line;

    /// <summary>Whether a value of the field has the mark. No other pseudonym can contain it by chance.</summary>
    public bool IsIn(ReadOnlySpan<byte> value) => value.IndexOf(_bytes) >= 0;

    /// <summary>Whether one of the field's values has the mark.</summary>
    public bool IsIn(in StringValues values)
    {
        foreach (var value in values)
        {
            if (value is not null && value.Contains(Name, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
