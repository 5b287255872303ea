using Kiro.ServiceDefaults.Settings;
using Kiro.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.Tests.ServiceDefaults;

/// <summary>Reloading two settings: A can change while running, B cannot. 0 is invalid for both, and A must not exceed B.</summary>
public sealed class SettingsReloadTests : IDisposable
{
    private static readonly HashSet<string> CanChange = ["A"];

    private readonly IConfigurationRoot _configuration = (IConfigurationRoot)Settings.Of("A=1", "B=10");
    private readonly List<(int A, int B)> _applied = [];
    private readonly SettingsReload _reload;
    private readonly ManualResetEventSlim _reading = new();
    private ManualResetEventSlim? _hold;

    public SettingsReloadTests()
    {
        var reader = new SettingsReader(_configuration);
        Read(reader);
        _reload = new SettingsReload(reader, _configuration, Read, CanChange, TimeProvider.System, NullLogger<SettingsReload>.Instance);
    }

    public void Dispose()
    {
        _reading.Dispose();
        _hold?.Dispose();
    }

    [Fact]
    public void Reload_NothingChanged_KeepsTheGeneration()
    {
        var status = _reload.Reload("test");

        Assert.Equal((1, 0, 0), (status.Generation, status.Changed.Count, status.Pending.Count));
    }

    [Fact]
    public void Reload_ChangedValue_IsAppliedAndNamed()
    {
        _configuration["A"] = "2";

        var status = _reload.Reload("test");

        Assert.Equal((2, "A", ""), (status.Generation, string.Join(' ', status.Changed), string.Join(' ', status.Warnings)));
        Assert.Equal((2, 10), _applied[^1]);
    }

    [Fact]
    public void Reload_InvalidValue_ChangesNothingUntilItIsFixed()
    {
        _configuration["A"] = "0";

        var rejected = _reload.Reload("test");

        Assert.Equal(["New settings were rejected, the previous ones stay in force: A=0 is not valid: expected a whole number from 1 to 100."], rejected.Warnings);
        Assert.Equal(1, rejected.Generation);
        Assert.Empty(_applied);
        _configuration["A"] = "2";
        Assert.Empty(_reload.Reload("test").Warnings);
        Assert.Equal((2, 10), _applied[^1]);
    }

    [Fact]
    public void Reload_SettingThatCannotChange_StaysPendingWithAWarning()
    {
        (_configuration["A"], _configuration["B"]) = ("2", "20");

        var status = _reload.Reload("test");

        Assert.Equal((2, "A", "B"), (status.Generation, string.Join(' ', status.Changed), string.Join(' ', status.Pending)));
        Assert.Equal((2, 10), _applied[^1]);
        Assert.Equal("B was changed but cannot be reloaded: the previous value stays in force until a restart or a takeover.", Assert.Single(status.Warnings));
        _configuration["B"] = "10";
        Assert.Empty(_reload.Reload("test").Warnings);
    }

    [Fact]
    public void Reload_ValidOnlyWithAPendingChange_IsRejected()
    {
        (_configuration["A"], _configuration["B"]) = ("15", "20");

        var status = _reload.Reload("test");

        Assert.Equal("B cannot be reloaded, and with the previous value: A=15 is not valid: expected at most B.", Assert.Single(status.Problems));
        Assert.Empty(_applied);
    }

    [Fact]
    public async Task Reload_Concurrently_EndsWithTheLatestValue()
    {
        await Task.WhenAll(Enumerable.Range(1, 9).Select(a => Task.Run(() =>
        {
            _configuration["A"] = $"{a}";
            _reload.Reload("test");
        })));

        _reload.Reload("test");

        Assert.Equal(_configuration["A"], $"{_applied[^1].A}");
        Assert.InRange(_reload.Status.Generation, 2, 10);
    }

    // A runaway script must not occupy a thread per request.
    [Fact]
    public async Task ReloadAsync_ManyDuringAReload_AreCoalescedIntoOne()
    {
        _reading.Reset();
        _hold = new ManualResetEventSlim();
        var first = _reload.ReloadAsync("first");
        _reading.Wait(TestContext.Current.CancellationToken);
        _configuration["A"] = "7";

        var others = Enumerable.Range(0, 100).Select(_ => _reload.ReloadAsync("other")).ToList();

        Assert.All(others, other => Assert.Same(others[0], other));
        _hold.Set();
        Assert.Equal(1, (await first).Generation);
        var status = await others[0];
        Assert.Equal((2, "A"), (status.Generation, string.Join(' ', status.Changed)));
        _configuration["A"] = "8";
        Assert.Equal(3, (await _reload.ReloadAsync("later")).Generation);
    }

    private Action Read(SettingsReader reader)
    {
        var (a, b) = (reader.WholeNumber("A", 1, 1, 100), reader.WholeNumber("B", 1, 1, 100));
        _reading.Set();
        _hold?.Wait();
        if (a > b)
        {
            reader.Reject("A", $"{a}", "at most B");
        }

        reader.ThrowIfInvalid();
        return () => _applied.Add((a, b));
    }
}
