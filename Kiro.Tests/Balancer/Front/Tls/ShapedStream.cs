using System.Buffers.Binary;
using System.Net.Sockets;
using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Tests.Balancer.Front.Tls;

/// <summary>A client's connection below TLS, which controls what goes into a segment, and when.</summary>
internal sealed class ShapedStream(Socket socket) : ForwardOnlyStream
{
    private readonly NetworkStream _inner = new(socket, ownsSocket: true);
    private readonly MemoryStream _held = new();
    private bool _hasHeld;
    private readonly MemoryStream _received = new();

    /// <summary>Sends single bytes.</summary>
    public bool Dribbles { get; set; }

    /// <summary>Sends pieces of random length.</summary>
    public Random? Cuts { get; init; }

    /// <summary>Holds back what is written until <see cref="ReleaseAsync"/>, which sends it at once.</summary>
    public bool Holds { get; set; }

    /// <summary>Does so from the second write on.</summary>
    public bool HoldsFromSecondOn { get; init; }

    /// <summary>Sent before the first byte, in the same segment.</summary>
    public byte[] Before { get; set; } = [];

    /// <summary>The type of the last record received (RFC 8446, section 5.1).</summary>
    public byte LastType
    {
        get
        {
            var bytes = _received.GetBuffer().AsSpan(0, (int)_received.Length);
            byte last = 0;
            while (bytes.Length >= 5)
            {
                last = bytes[0];
                bytes = bytes[Math.Min(bytes.Length, 5 + BinaryPrimitives.ReadUInt16BigEndian(bytes[3..]))..];
            }

            return last;
        }
    }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public async Task ReleaseAsync()
    {
        Holds = false;
        await _inner.WriteAsync(_held.ToArray());
        _held.SetLength(0);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Holds)
        {
            _held.Write(buffer.Span);
            return;
        }

        byte[] bytes = [.. Before, .. buffer.Span];
        Before = [];
        for (int at = 0, length; at < bytes.Length; at += length)
        {
            length = Math.Min(bytes.Length - at, Dribbles ? 1 : Cuts?.Next(1, 5000) ?? bytes.Length);
            await _inner.WriteAsync(bytes.AsMemory(at, length), cancellationToken);
        }

        Holds |= HoldsFromSecondOn && !_hasHeld;
        _hasHeld = true;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await _inner.ReadAsync(buffer, cancellationToken);
        _received.Write(buffer.Span[..count]);
        return count;
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
