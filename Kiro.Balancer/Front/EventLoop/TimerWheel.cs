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

    private readonly TimerEntry?[] _slots = new TimerEntry?[SlotCount];
    private readonly ulong[] _occupied = new ulong[SlotCount / 64];
    private long _tick;

    /// <summary>Only an earlier deadline moves an entry.</summary>
    public void SetDeadline(TimerEntry entry, long deadline)
    {
        entry.Deadline = deadline;
        if (entry.Slot < 0)
        {
            Add(entry);
        }
        else if (deadline + Tick < entry.ScheduledFor)
        {
            Remove(entry);
            Add(entry);
        }
    }

    public void Add(TimerEntry entry)
    {
        // Never into the slot that is being expired. Entries beyond one revolution are checked once per revolution.
        var tick = Math.Clamp(entry.Deadline / Tick + 1, _tick + 1, _tick + SlotCount - 1);
        var slot = (int)(tick % SlotCount);
        (entry.Slot, entry.ScheduledFor) = (slot, tick * Tick);
        (entry.Previous, entry.Next) = (null, _slots[slot]);
        if (entry.Next is { } next)
        {
            next.Previous = entry;
        }

        _slots[slot] = entry;
        _occupied[slot / 64] |= 1UL << (slot % 64);
    }

    public void Remove(TimerEntry entry)
    {
        if (entry.Slot < 0)
        {
            return;
        }

        if (entry.Previous is { } previous)
        {
            previous.Next = entry.Next;
        }
        else
        {
            _slots[entry.Slot] = entry.Next;
            if (entry.Next is null)
            {
                _occupied[entry.Slot / 64] &= ~(1UL << (entry.Slot % 64));
            }
        }

        if (entry.Next is { } next)
        {
            next.Previous = entry.Previous;
        }

        entry.Slot = -1;
        entry.Next = entry.Previous = null;
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
                Expire(slot, now);
            }
        }
    }

    /// <summary>Milliseconds until the next occupied slot; -1 when there is none.</summary>
    public int TimeUntilNext(long now)
    {
        var first = (int)((_tick + 1) % SlotCount);
        for (var word = 0; word <= _occupied.Length; word++)
        {
            var index = (first / 64 + word) % _occupied.Length;
            var bits = _occupied[index];
            if (word == 0)
            {
                bits &= ulong.MaxValue << (first % 64);
            }

            if (bits != 0)
            {
                var slot = index * 64 + BitOperations.TrailingZeroCount(bits);
                var ticks = (slot - first + SlotCount) % SlotCount;
                return (int)Math.Max(0, (_tick + 1 + ticks) * Tick - now);
            }
        }

        return -1;
    }

    private void Expire(int slot, long now)
    {
        while (_slots[slot] is { } entry)
        {
            Remove(entry);
            if (entry.Deadline <= now)
            {
                entry.Deadline = long.MaxValue;
                entry.OnDeadline();
            }
            else if (entry.Deadline != long.MaxValue)
            {
                Add(entry);
            }
        }
    }
}

/// <summary>An entry of the timer wheel.</summary>
internal abstract class TimerEntry
{
    internal TimerEntry? Next { get; set; }

    internal TimerEntry? Previous { get; set; }

    /// <summary>Its slot in the wheel; -1 when it is in none.</summary>
    internal int Slot { get; set; } = -1;

    /// <summary>When its slot expires.</summary>
    internal long ScheduledFor { get; set; }

    /// <summary>In milliseconds since the loop's start; <see cref="long.MaxValue"/> for none.</summary>
    internal long Deadline { get; set; } = long.MaxValue;

    /// <summary>The deadline has passed, and is cleared.</summary>
    internal abstract void OnDeadline();
}
