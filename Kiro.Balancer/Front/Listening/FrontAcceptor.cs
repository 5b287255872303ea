using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Exchange;
using Kiro.Balancer.Front.Native;
using Kiro.Balancer.Listening;

namespace Kiro.Balancer.Front.Listening;

/// <summary>
/// Accepts connections for one loop. All loops wait on the same socket, and the kernel wakes one; a loop with clearly more
/// connections than another passes new ones on, so that a few long-lived connections are balanced, too.
/// </summary>
internal sealed class FrontAcceptor(FrontListenSocket socket, FrontWorker worker, FrontWorker[] workers) : TimerEntry, ILoopListener
{
    /// <summary>Accepts in a row before other connections get their turn.</summary>
    private const int MaxAcceptsPerTurn = 8;

    /// <summary>Connections that a loop may have beyond the least loaded one.</summary>
    private const int MaxImbalance = 2;

    /// <summary>The pause when out of descriptors, in milliseconds: pending connections wait in the backlog.</summary>
    private const int PauseTime = 50;

    /// <summary>At shutdown; beyond it, connections arrive as fast as they are accepted.</summary>
    private const int MaxPending = 4096;

    private bool _isStopped;

    public int Descriptor => socket.Descriptor;

    public void Accept(FrontLoop loop)
    {
        if (!_isStopped)
        {
            Accept(loop, MaxAcceptsPerTurn);
        }
    }

    private void Accept(FrontLoop loop, int max)
    {
        Span<byte> name = stackalloc byte[SockAddr.MaxLength];
        for (var accepted = 0; accepted < max; accepted++)
        {
            var descriptor = socket.Accept(name);
            if (descriptor < 0)
            {
                var error = Errno.Last;
                if (error is Errno.TooManyInProcess or Errno.TooManyInSystem or Errno.NoBuffers or Errno.NoMemory)
                {
                    worker.Services.Admission.NoteShortage(Errno.ToException(error));
                    loop.PauseAccepting(Descriptor);
                    if (!_isStopped)
                    {
                        loop.SetDeadline(this, loop.Now + PauseTime);
                    }
                }

                return;
            }

            var connection = FrontSocket.Adopt(descriptor);
            if (!worker.Services.Admission.TryAdmit(descriptor))
            {
                Refuse(connection, loop, Refusal.TooManyConnections.Span);
                continue;
            }

            var peer = SockAddr.Read(name).Address;
            ClientAddress? key = null;
            var perClient = worker.Services.PerClient;
            if (perClient.IsOn && !perClient.TryEnter(ClientAddress.From(peer), out key))
            {
                Refuse(connection, loop, Refusal.TooManyFromClient.Span);
                worker.Services.Limit.Leave();
                continue;
            }

            var target = LeastLoaded();
            if (target == worker)
            {
                Add(worker, connection, peer, key);
            }
            else
            {
                target.Loop.Post(static state =>
                {
                    var (target, connection, peer, key) = ((FrontWorker, FrontSocket, IPAddress, ClientAddress?))state!;
                    Add(target, connection, peer, key);
                }, (target, connection, peer, key));
            }
        }
    }

    /// <summary>Accepts the pending connections and stops. On the loop's thread.</summary>
    public void Stop()
    {
        if (!_isStopped)
        {
            _isStopped = true;
            worker.Loop.PauseAccepting(Descriptor);
            // A connection wakes one waiter only. With a shared socket, a loop that was woken and left would leave a connection waiting
            // until the next one arrives.
            Accept(worker.Loop, MaxPending);
        }
    }

    internal override void OnDeadline()
    {
        if (!_isStopped)
        {
            worker.Loop.ResumeAccepting(Descriptor);
        }
    }

    private void Refuse(FrontSocket connection, FrontLoop loop, ReadOnlySpan<byte> reason)
    {
        // Before the handshake no error response can be sent.
        _ = worker.Tls is null ? connection.Send(reason) : 0;
        connection.ShutdownWrite();
        // Closing with unread input would reset the connection and could destroy the response.
        _ = connection.Receive(loop.Input);
        connection.Close();
    }

    private static void Add(FrontWorker worker, FrontSocket socket, IPAddress peer, ClientAddress? key)
    {
        var connection = new ClientConnection(worker, socket, peer, key);
        if (!worker.Loop.TryAdd(connection))
        {
            connection.Close();
            return;
        }

        connection.Begin();
    }

    private FrontWorker LeastLoaded()
    {
        var leastLoaded = worker;
        foreach (var other in workers)
        {
            if (other.Clients + MaxImbalance < worker.Clients && other.Clients < leastLoaded.Clients)
            {
                leastLoaded = other;
            }
        }

        return leastLoaded;
    }
}
