using System.Diagnostics;
using System.Globalization;

namespace Shop.Tests;

public sealed class ShopTests(RunningShop shop) : IClassFixture<RunningShop>
{
    [Fact]
    public async Task Client_AskingAgain_IsServedByItsReplica()
    {
        var homes = await shop.AskAsync();

        Assert.Equal(homes, await shop.AskAsync());
        Assert.Equal(homes, await shop.AskAsync());
        Say($"200 clients keep their replicas, {string.Join(", ", homes.Values.CountBy(replica => replica).Select(count => count.Value))}");
    }

    [Fact]
    public async Task Replica_ThatIsKilled_MovesItsClientsOnly_AndStartedAgainTakesItsShare()
    {
        var homes = await shop.AskAsync();
        var victim = homes.Values.First();

        using (var process = Process.GetProcessById(victim))
        {
            process.Kill();
        }

        var ended = await shop.EndedAsync();
        var moved = await shop.AskAsync();
        Assert.All(homes, client => Assert.Equal(client.Value == victim, moved[client.Key] != client.Value));
        Say($"a replica was killed: its {homes.Values.Count(replica => replica == victim)} clients moved, no others did, and no request failed");

        await shop.CommandAsync(ended, KnownResourceCommands.StartCommand);
        await RunningShop.UntilAsync(async () => (await shop.AskAsync()).Values.Distinct().Count() == 3, "the replica serves again");
        var after = await shop.AskAsync();
        var started = after.Values.Except(moved.Values).Single();
        Assert.InRange(after.Values.Count(replica => replica == started), 40, 95);
        Assert.All(moved, client => Assert.Contains(after[client.Key], (int[])[client.Value, started]));
        Say($"it was restarted: {after.Values.Count(replica => replica == started)} clients moved to it, and none elsewhere");
    }

    [Fact]
    public async Task Spare_Started_MovesClientsToItOnly_AndStoppedTheyComeHome()
    {
        var homes = await shop.AskAsync();

        await shop.CommandAsync("spare", KnownResourceCommands.StartCommand);
        await RunningShop.UntilAsync(async () => (await shop.AskAsync()).Values.Distinct().Count() == 4, "the spare serves");
        var moved = await shop.AskAsync();
        var spare = moved.Values.Except(homes.Values).Single();
        Assert.All(homes, client => Assert.Contains(moved[client.Key], (int[])[client.Value, spare]));
        Say($"a fourth node was started: {moved.Values.Count(replica => replica == spare)} clients moved to it, and none elsewhere");

        await shop.CommandAsync("spare", "drain");
        Assert.Equal(homes, await shop.AskAsync());

        await shop.CommandAsync("spare", KnownResourceCommands.StopCommand);
        Assert.Equal(homes, await shop.AskAsync());
    }

    private static void Say(FormattableString what) => TestContext.Current.TestOutputHelper?.WriteLine("aspire: " + what.ToString(CultureInfo.InvariantCulture));
}
