using Kiro.Cluster.Status;

namespace Kiro.Tests.Cluster.Status;

public class RequestRatesTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Of_TwoStatuses_IsTheDifferencePerSecond()
    {
        var rates = new RequestRates();
        rates.Note(Status(0, ("a", 100)));
        Assert.Null(rates.Of("a"));

        rates.Note(Status(2, ("a", 150), ("b", 5)));

        Assert.Equal(25, rates.Of("a"));
        Assert.Null(rates.Of("b"));
        Assert.Null(rates.Of(null));
    }

    [Fact]
    public void Of_ManyStatuses_ForgetsOldOnes()
    {
        var rates = new RequestRates();
        for (var second = 0; second < 20; second++)
        {
            rates.Note(Status(second, ("a", second < 10 ? 0 : (second - 9) * 7)));
        }

        Assert.Equal(7, rates.Of("a"));
    }

    [Fact]
    public void Of_BalancerRestarted_StartsOver()
    {
        var rates = new RequestRates();
        rates.Note(Status(0, ("a", 100)));
        rates.Note(Status(1, ("a", 3)));
        Assert.Null(rates.Of("a"));

        rates.Note(Status(2, ("a", 5)));
        Assert.Equal(2, rates.Of("a"));
    }

    private static StatusDocument Status(int second, params (string Id, long Requests)[] backends) => new(
        null, null, [.. backends.Select(backend => new BackendPart(backend.Id, null, 0, null, null, null, null, null, null, backend.Requests, null))],
        null, null, Start.AddSeconds(second));
}
