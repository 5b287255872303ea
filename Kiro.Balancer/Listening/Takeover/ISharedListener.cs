using System.Net;

namespace Kiro.Balancer.Listening.Takeover;

/// <summary>A listener whose socket another process may get, too.</summary>
internal interface ISharedListener
{
    /// <summary>Where it listens.</summary>
    IPEndPoint Address { get; }

    /// <summary>Its socket.</summary>
    int Descriptor { get; }

    /// <summary>Leaves what comes from now on to the others that have the socket. What was accepted is served; the socket stays
    /// open until the listener ends.</summary>
    Task StopAcceptingAsync();
}
