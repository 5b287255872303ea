using System.Net.Sockets;
using Kiro.Balancer.Backends;

namespace Kiro.Tests.Balancer.Backends;

public sealed class ConnectErrorTests
{
    [Theory]
    [InlineData(SocketError.ConnectionRefused, "connection refused")]
    [InlineData(SocketError.HostNotFound, "name not found")]
    [InlineData(SocketError.TryAgain, "name not found")]
    [InlineData(SocketError.HostUnreachable, "host unreachable")]
    [InlineData(SocketError.NetworkUnreachable, "host unreachable")]
    [InlineData(SocketError.TimedOut, "connection timed out")]
    public void Describe_SocketError_IsPlainWords(SocketError error, string words) =>
        Assert.Equal(words, ConnectError.Describe(new HttpRequestException("outer", new SocketException((int)error))));

    [Fact]
    public void Describe_Timeout_IsPlainWords() =>
        Assert.Equal("connection timed out", ConnectError.Describe(new TaskCanceledException("outer", new TimeoutException())));

    [Fact]
    public void Describe_SomethingElse_IsItsMessage() =>
        Assert.Equal("odd", ConnectError.Describe(new InvalidOperationException("odd")));
}
