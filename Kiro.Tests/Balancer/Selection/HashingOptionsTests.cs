using Kiro.Balancer.Selection;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Selection;

public sealed class HashingOptionsTests
{
    [Fact]
    public void Read_Unset_IsTheDefaultSeed() =>
        Assert.Equal(new HashingOptions(0x4B69_726F_2D48_5257, 32, 64), Settings.Read(HashingOptions.Read));

    [Fact]
    public void Read_SameSeedText_IsTheSameSeed()
    {
        var one = Settings.Read(HashingOptions.Read, "HASH_SEED=a secret");

        Assert.Equal(one, Settings.Read(HashingOptions.Read, "HASH_SEED= a secret "));
        Assert.NotEqual(one, Settings.Read(HashingOptions.Read, "HASH_SEED=another"));
        Assert.NotEqual(one, Settings.Read(HashingOptions.Read));
    }

    [Theory]
    [InlineData("HASH_IPV4_PREFIX", "0", "1 to 32")]
    [InlineData("HASH_IPV4_PREFIX", "33", "1 to 32")]
    [InlineData("HASH_IPV4_PREFIX", "/24", "1 to 32")]
    [InlineData("HASH_IPV4_PREFIX", "24.0", "1 to 32")]
    [InlineData("HASH_IPV6_PREFIX", "0", "1 to 128")]
    [InlineData("HASH_IPV6_PREFIX", "129", "1 to 128")]
    [InlineData("HASH_IPV6_PREFIX", "many", "1 to 128")]
    public void Read_InvalidPrefix_IsOneError(string name, string value, string range) => Assert.Equal(
        [$"{name}={value} is not valid: expected a whole number from {range}."],
        Settings.Refusals(HashingOptions.Read, $"{name}={value}"));
}
