using Kiro.ServiceDefaults.Trust;

namespace Kiro.Tests.ServiceDefaults.Trust;

public sealed class AdminTokenTests
{
    [Theory]
    [InlineData("open sesame", null, "Absent")]
    [InlineData("open sesame", "", "Absent")]
    [InlineData("open sesame", "Bearer open sesame", "Right")]
    [InlineData("open sesame", "bearer open sesame", "Right")]
    [InlineData("open sesame", "Bearer open", "Wrong")]
    [InlineData("open sesame", "Bearer ", "Wrong")]
    [InlineData("open sesame", "Basic open sesame", "Wrong")]
    [InlineData("open sesame", "open sesame", "Wrong")]
    [InlineData(null, "Bearer ", "Wrong")]
    [InlineData("sésame", "Bearer sésame", "Right")]
    [InlineData("sésame", "Bearer sÃ©same", "Right")]
    [InlineData("sésame", "Bearer s?same", "Wrong")]
    [InlineData(null, null, "Absent")]
    public void Check_Header_IsRightOnlyForTheToken(string? token, string? header, string verdict) =>
        Assert.Equal(verdict, new AdminToken(token).Check(header).ToString());
}
