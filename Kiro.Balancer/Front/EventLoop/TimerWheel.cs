using System.Numerics;

namespace Kiro.Balancer.Front.EventLoop;

/// <summary>
/// One loop's timers, in milliseconds since its start (G. Varghese, A. Lauck, "Hashed and Hierarchical Timing Wheels",
/// scheme 6). Postponing a deadline only stores it; the entry moves to its new slot when the old one expires. So a request
/// costs no work here.
/// </summary>
internal sealed class TimerWheel
{
    /// <summary>The resolution, in milliseconds.</summary>
    public const int Tick = 100;

    private const int SlotCount = 1024;

    private readonly TimedItem?[] _slots = new TimedItem?[SlotCount];
    private readonly ulong[] _occupied = new ulong[SlotCount / 64];
    private long _tick;

    public void Add(TimedItem item)
    {
        // Never into the slot that is being expired. Entries beyond one revolution are checked once per revolution.
        var tick = Math.Clamp(item.Deadline / Tick + 1, _tick + 1, _tick + SlotCount - 1);
        var slot = (int)(tick % SlotCount);
        (item.Slot, item.ScheduledFor) = (slot, tick * Tick);
        (item.Previous, item.Next) = (null, _slots[slot]);
        if (item.Next is { } next)
        {
            next.Previous = item;
        }

        _slots[slot] = item;
        _occupied[slot / 64] |= 1UL << (slot % 64);
    }

    public void Remove(TimedItem item)
    {
        if (item.Slot < 0)
        {
            return;
        }

        if (item.Previous is { } previous)
        {
            previous.Next = item.Next;
        }
        else
        {
            _slots[item.Slot] = item.Next;
            if (item.Next is null)
            {
                _occupied[item.Slot / 64] &= ~(1UL << (item.Slot % 64));
            }
        }

        if (item.Next is { } next)
        {
            next.Previous = item.Previous;
        }

        item.Slot = -1;
        item.Next = item.Previous = null;
    }

    /// <summary>Fires the timers that are due.</summary>
    public void Advance(long now)
    {
        var last = now / Tick;
        if (last - _tick > SlotCount)
        {
            // One revolution visits every slot.
            _tick = last - SlotCount;
        }

        while (_tick < last)
        {
            _tick++;
            var slot = (int)(_tick % SlotCount);
            if ((_occupied[slot / 64] & (1UL << (slot % 64))) != 0)
            {
                Empty(slot, now);
            }
        }
    }

    /// <summary>Milliseconds until the next occupied slot; -1 when there is none.</summary>
    public int UntilNext(long now)
    {
        var first = (int)((_tick + 1) % SlotCount);
        for (var word = 0; word <= _occupied.Length; word++)
        {
            var place = (first / 64 + word) % _occupied.Length;
            var bits = _occupied[place];
            if (word == 0)
            {
                bits &= ulong.MaxValue << (first % 64);
            }

            if (bits != 0)
            {
                var slot = place * 64 + BitOperations.TrailingZeroCount(bits);
                var ticks = (slot - first + SlotCount) % SlotCount;
                return (int)Math.Max(0, (_tick + 1 + ticks) * Tick - now);
            }
        }

        return -1;
    }

    private void Empty(int slot, long now)
    {
        while (_slots[slot] is { } item)
        {
            Remove(item);
            if (item.Deadline <= now)
            {
                item.Deadline = long.MaxValue;
                item.OnDeadline();
            }
            else if (item.Deadline != long.MaxValue)
            {
                Add(item);
            }
        }
    }
}

/// <summary>An entry of the timer wheel.</summary>
internal abstract class TimedItem
{
    internal TimedItem? Next { get; set; }

    internal TimedItem? Previous { get; set; }

    /// <summary>Its slot in the wheel; -1 when it is in none.</summary>
    internal int Slot { get; set; } = -1;

    /// <summary>When its slot expires.</summary>
    internal long ScheduledFor { get; set; }

    /// <summary>In milliseconds since the loop's start; <see cref="long.MaxValue"/> for none.</summary>
    internal long Deadline { get; set; } = long.MaxValue;

    /// <summary>The deadline has passed, and is cleared.</summary>
    internal abstract void OnDeadline();
}
