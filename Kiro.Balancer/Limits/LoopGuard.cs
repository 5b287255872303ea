using System.Security.Cryptography;
using System.Text;
using Kiro.ServiceDefaults.Limits;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Limits;

/// <summary>Detects forwarding loops: the balancer is one of its own backends, or two balancers are each other's.</summary>
internal sealed partial class LoopGuard(LoopMarker mark, TimeProvider time, ILogger<LoopGuard> logger)
{
    /// <summary>The error, with 508 (RFC 5842, section 7.2).</summary>
    public const string Problem = "the request came back to this balancer: one of its nodes routes to it";

    private static readonly TimeSpan Recent = TimeSpan.FromMinutes(5);

    private readonly Burst _loops = new(time);

    /// <summary>Looping requests since the start.</summary>
    public long Loops => _loops.Count;

    /// <summary>Whether there was one recently.</summary>
    public bool IsLooping => _loops.IsRecent(Recent);

    /// <summary>Whether a request loops, by its <see cref="LoopMarker.FieldName"/>; counts it if so.</summary>
    public bool IsLoop(in StringValues values)
    {
        if (!mark.IsIn(values))
        {
            return false;
        }

        Record();
        return true;
    }

    /// <summary>Counts a looping request.</summary>
    public void Record()
    {
        if (_loops.Note() is > 0 and var count)
        {
            LoopDetected(logger, count);
        }
    }

    [LoggerMessage(35, LogLevel.Warning, "{Count} requests came back to this balancer and got 508: one of its nodes routes to it")]
    private static partial void LoopDetected(ILogger logger, long count);
}

/// <summary>
/// Marks forwarded requests, to recognize one that loops back: an element of <c>CDN-Loop</c> (RFC 8586). Not <c>Via</c> (RFC 9110,
/// section 7.6.3), as nginx, IIS and others do not compress responses to requests that have it.
/// </summary>
internal sealed class LoopMarker
{
    public const string FieldName = "CDN-Loop";

    private const int RandomBytes = 8;

    private readonly byte[] _bytes;
    private readonly byte[] _line;

    public LoopMarker()
        : this($"kiro-{RandomNumberGenerator.GetHexString(RandomBytes * 2, lowercase: true)}")
    {
    }

    /// <param name="name">A unique pseudonym: a token (RFC 9110, section 5.6.2).</param>
    public LoopMarker(string name)
    {
        Name = name;
        _bytes = Encoding.ASCII.GetBytes(name);
        _line = Encoding.ASCII.GetBytes($"{FieldName}: {name}\r\n");
    }

    /// <summary>The element.</summary>
    public string Name { get; }

    /// <summary>The element, to append to a field received from the client, after a comma.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The field line, for a request without the field.</summary>
    public ReadOnlySpan<byte> Line => _line;

    /// <summary>Whether a field value has the mark. A random name is not part of another one by chance.</summary>
    public bool IsIn(ReadOnlySpan<byte> value) => value.IndexOf(_bytes) >= 0;

    /// <summary>Whether any of the field's lines has the mark.</summary>
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
