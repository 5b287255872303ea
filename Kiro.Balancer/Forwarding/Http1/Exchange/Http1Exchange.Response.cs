using System.Runtime.CompilerServices;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <content>The node's response on its way to the client.</content>
internal sealed partial class Http1Exchange
{
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<RequestFailure?> RespondAsync()
    {
        var reader = new HeadReader(connection);
        while (true)
        {
            var state = reader.Read();
            if (state == HeadState.Incomplete)
            {
                if (connection.Add(await connection.Receipt))
                {
                    continue;
                }

                HadNoResponse = reader.IsUntouched;
                return Lost() ?? RequestFailure.NoResponse;
            }

            if (state == HeadState.Invalid || connection.Head.Status == StatusCodes.Status101SwitchingProtocols)
            {
                return Lost() ?? RequestFailure.InvalidResponse;
            }

            if (!connection.Head.IsInterim)
            {
                return await PassOnAsync(reader.Length);
            }

            if (connection.Head.Status == StatusCodes.Status100Continue)
            {
                _body?.Start();
            }
            else if (_context.Request.Headers.Expect.Count == 0 && HttpProtocol.IsHttp11(_context.Request.Protocol)
                && _context.Features.Get<ClientConnection>() is { } client)
            {
                // Where the client waits for "100 Continue", Kestrel may be just about to say that.
                await client.SendInterimAsync(ResponseFields.Interim(connection.Input.Bytes.Span, connection.Head));
            }

            if (!reader.TrySkip())
            {
                return RequestFailure.InvalidResponse;
            }
        }
    }

    private async ValueTask<RequestFailure?> PassOnAsync(int headLength)
    {
        attempt.Settle(responded: true);
        if (attempt.IsAbandoned)
        {
            return RequestFailure.BackendHung;
        }

        var (head, response) = (connection.Head, _context.Response);
        attempt.Runtime.NoteClosing(head.HasConnectionClose);
        ResponseFields.Apply(connection.Input.Bytes.Span, head, response);
        request.HandOutCookie(response.Headers);
        connection.Input.Consume(headLength);
        PrepareBody(head.Status);

        var framing = head.Framing(_context.Request.Method == HttpMethods.Head);
        var chunks = framing is BodyFraming.Chunked or BodyFraming.UntilClose && HttpProtocol.IsHttp11(_context.Request.Protocol);
        if (head.HasTrailerField && framing != BodyFraming.None && !chunks && !HttpProtocol.IsHttp2(_context.Request.Protocol))
        {
            // None can follow.
            response.Headers.Trailer = default;
        }

        var writer = new ResponseWriter(response, chunks);
        if (framing != BodyFraming.None && await CopyBodyAsync(framing, writer) is { } failure)
        {
            return failure;
        }

        if (_body is { IsComplete: false } && head.Status < 300)
        {
            // The node has responded and goes on reading, even if it closes the connection afterwards.
            await writer.FlushAsync();
            await _body.Sending;
        }

        return null;
    }

    private async ValueTask<RequestFailure?> CopyBodyAsync(BodyFraming framing, ResponseWriter writer)
    {
        var isStream = connection.Head.IsEventStream;
        if (isStream)
        {
            connection.Begin(request.Rules.Timeouts.Stream);
            streams.Add(connection, request.Slot, attempt.Backend);
            // It may be told to end at any time, also when it just has.
            connection.Head.Closes = true;
        }

        try
        {
            return await new ResponseBody(connection, writer).CopyAsync(framing) switch
            {
                BodyEnd.Complete => null,
                BodyEnd.Invalid => _context.Response.HasStarted ? RequestFailure.BrokenResponse : RequestFailure.InvalidResponse,
                BodyEnd.ClientGone => RequestFailure.ClientAborted,
                _ => Lost(hasResponded: true) ?? RequestFailure.BrokenResponse,
            };
        }
        finally
        {
            if (isStream)
            {
                streams.Remove(connection);
            }
        }
    }

    // A node that refuses does not want the body; one that agrees gets it, even when it did not say "continue".
    private void PrepareBody(int status)
    {
        if (status < StatusCodes.Status300MultipleChoices)
        {
            _body?.Start();
        }
        else
        {
            _body?.Forgo();
        }
    }

    private void BreakOff(RequestFailure failure)
    {
        var response = _context.Response;
        if (response.HasStarted)
        {
            // The client must not take what it has for the whole.
            ClientConnection.BreakOff(_context);
        }
        else if (failure.Point == FailurePoint.Client)
        {
            // It may still be there, and must not take the end of its broken body for success.
            response.Clear();
            response.StatusCode = (_body?.ClientFault as BadHttpRequestException)?.StatusCode ?? StatusCodes.Status400BadRequest;
        }
    }
}

/// <summary>Reads the heads of a response from a connection: the interim ones, and the final one.</summary>
internal struct HeadReader(BackendConnection connection)
{
    private int _looked;
    private int _interim;

    /// <summary>Of the head that was read last, in bytes.</summary>
    public int Length { get; private set; }

    /// <summary>Not a single byte has come.</summary>
    public bool IsUntouched => _interim == 0 && connection.Input.IsEmpty;

    /// <summary>Reads the next head into <see cref="BackendConnection.Head"/> from what was received.</summary>
    /// <returns>Incomplete when a receive is under way that may bring the rest.</returns>
    public HeadState Read()
    {
        var bytes = connection.Input.Bytes;
        if (bytes.Length == _looked)
        {
            return HeadState.Incomplete;
        }

        var state = ResponseParser.Parse(bytes.Span, _looked, connection.Head, out var length);
        Length = length;
        if (state == HeadState.Incomplete)
        {
            _looked = bytes.Length;
            connection.BeginReceive();
        }

        return state;
    }

    /// <summary>Goes on behind an interim head.</summary>
    /// <returns>False when there were too many.</returns>
    public bool TrySkip()
    {
        connection.Input.Consume(Length);
        _looked = 0;
        if (connection.Input.IsEmpty)
        {
            connection.BeginReceive();
        }

        return ++_interim <= ResponseHead.MaxInterim;
    }
}
