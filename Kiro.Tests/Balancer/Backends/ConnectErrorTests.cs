using System.Net.Sockets;
using Kiro.Balancer.Backends;

namespace Kiro.Tests.Balancer.Backends;

public sealed class ConnectErrorTests
{
    [Theory]
    [InlineData(SocketError.ConnectionRefused, "connection refused", nameof(ConnectFault.Node))]
    [InlineData(SocketError.HostNotFound, "name not found", nameof(ConnectFault.Node))]
    [InlineData(SocketError.TryAgain, "no name server responds", nameof(ConnectFault.NameServer))]
    [InlineData(SocketError.HostUnreachable, "host unreachable", nameof(ConnectFault.Node))]
    [InlineData(SocketError.NetworkUnreachable, "host unreachable", nameof(ConnectFault.Node))]
    [InlineData(SocketError.TimedOut, "connection timed out", nameof(ConnectFault.Timeout))]
    public void From_SocketError_HasMessageAndFault(SocketError error, string words, string fault)
    {
        var said = ConnectError.From(new HttpRequestException("outer", new SocketException((int)error)));
        Assert.Equal((words, fault), (said.Problem, said.Fault.ToString()));
    }

    [Theory]
    [InlineData(SocketError.TooManyOpenSockets)]
    [InlineData(SocketError.NoBufferSpaceAvailable)]
    [InlineData(SocketError.AddressNotAvailable)]
    public void From_LocalShortage_BlamesNoBackend(SocketError error)
    {
        var said = ConnectError.From(new HttpRequestException("outer", new SocketException((int)error)));
        Assert.Equal(ConnectFault.Balancer, said.Fault);
        Assert.StartsWith("the balancer itself has no sockets or ports left", said.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void From_Timeout_HasMessage() =>
        Assert.Equal("connection timed out", ConnectError.From(new TaskCanceledException("outer", new TimeoutException())).Problem);

    [Fact]
    public void From_OtherException_IsItsMessage() =>
        Assert.Equal("odd", ConnectError.From(new InvalidOperationException("odd")).Problem);
}
