using System.Net;
using Kiro.ServiceDefaults.Trust;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.ServiceDefaults.Trust;

public sealed class AdminAccessTests : IDisposable
{
    private const string Token = "0123456789abcdef";

    private static readonly IPAddress Guesser = IPAddress.Parse("203.0.113.7");

    private readonly FakeTimeProvider _time = new();
    private readonly Support.CapturedLogs _logs = new();

    [Fact]
    public void Check_WrongTokens_AreCheckedTenTimesAndThenEveryTenSeconds()
    {
        var access = Access();

        var verdicts = Enumerable.Range(0, 1000).Select(guess => access.Check($"Bearer {guess}", Guesser)).ToList();

        Assert.Equal(10, verdicts.Count(verdict => verdict == AdminVerdict.Wrong));
        Assert.Equal(990, verdicts.Count(verdict => verdict == AdminVerdict.TooOften));
        Assert.Equal((10, 990), (access.WrongTokens, access.RejectedTokens));
        // A correct guess now must not be confirmed.
        Assert.Equal(AdminVerdict.TooOften, access.Check($"Bearer {Token}", Guesser, out var wait));
        Assert.Equal(TimeSpan.FromSeconds(10), wait);
        _time.Advance(wait);
        Assert.Equal(AdminVerdict.Right, access.Check($"Bearer {Token}", Guesser));
        Assert.Single(_logs.Lines);
        Assert.Contains("203.0.113.7", _logs.Lines.First(), StringComparison.Ordinal);
        Assert.DoesNotContain("Bearer", _logs.Lines.First(), StringComparison.Ordinal);
    }

    [Fact]
    public void Check_RightTokens_AreUnlimited()
    {
        var access = Access();

        Assert.All(Enumerable.Range(0, 100), _ => Assert.Equal(AdminVerdict.Right, access.Check($"Bearer {Token}", Guesser)));
    }

    [Theory]
    [InlineData("203.0.113.7", "::ffff:203.0.113.7", true)]
    [InlineData("203.0.113.7", "203.0.113.8", false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    public void Check_AnotherAddress_HasItsOwnAttempts(string guesser, string other, bool isSame)
    {
        var access = Access();
        Assert.All(Enumerable.Range(0, 20), guess => access.Check($"Bearer {guess}", IPAddress.Parse(guesser)));

        Assert.Equal(isSame ? AdminVerdict.TooOften : AdminVerdict.Right, access.Check($"Bearer {Token}", IPAddress.Parse(other)));
    }

    [Fact]
    public void Check_OtherCredentialsOrNone_DoNotCount()
    {
        var access = Access();
        Assert.All(Enumerable.Range(0, 100), _ => Assert.Equal(AdminVerdict.Wrong, access.Check("Basic YTpi", Guesser)));
        Assert.All(Enumerable.Range(0, 100), _ => Assert.Equal(AdminVerdict.Absent, access.Check(null, Guesser)));

        Assert.Equal(AdminVerdict.Right, access.Check($"Bearer {Token}", Guesser));
        Assert.Equal(0, access.WrongTokens);
    }

    public void Dispose() => _logs.Dispose();

    private AdminAccess Access()
    {
        var factory = LoggerFactory.Create(logging => logging.AddProvider(_logs));
        return new AdminAccess(new AdminToken(Token), _time, factory.CreateLogger<AdminAccess>());
    }
}
