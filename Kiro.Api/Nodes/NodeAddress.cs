using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Net;

namespace Kiro.Api.Nodes;

/// <summary>The address of this machine that other machines would use.</summary>
internal static class NodeAddress
{
    public static string WithPort(int port) => new IPEndPoint(Find(), port).ToString();

    private static IPAddress Find()
    {
        try
        {
            return NetworkInterface.GetAllNetworkInterfaces()
                .Where(network => network.OperationalStatus == OperationalStatus.Up
                    && network.NetworkInterfaceType != NetworkInterfaceType.Loopback)
                .Select(network => network.GetIPProperties())
                // The way out leads to the others, too; bridges of a container engine have no gateway.
                .OrderByDescending(network => network.GatewayAddresses.Count > 0)
                .SelectMany(network => network.UnicastAddresses)
                .Select(unicast => unicast.Address)
                .Where(address => !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal)
                .OrderBy(address => address.AddressFamily == AddressFamily.InterNetwork ? 0 : 1)
                .FirstOrDefault(IPAddress.Loopback);
        }
        catch (NetworkInformationException)
        {
            return IPAddress.Loopback;
        }
    }
}
