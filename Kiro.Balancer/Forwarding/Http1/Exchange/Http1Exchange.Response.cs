using System.Runtime.CompilerServices;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <content>The backend's response on its way to the client.</content>
internal sealed partial class Http1Exchange
{
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<RequestFailure?> ReceiveResponseAsync()
    {
        var reader = new ResponseHeadReader(connection);
        while (true)
        {
            var state = reader.Read();
            if (state == HeadState.Incomplete)
            {
                if (connection.Add(await connection.PendingReceive))
                {
                    continue;
                }

                HadNoResponse = reader.HasNothing;
                return AbortFailure() ?? RequestFailure.NoResponse;
            }

            if (state == HeadState.Invalid || connection.Head.Status == StatusCodes.Status101SwitchingProtocols)
            {
                return AbortFailure() ?? RequestFailure.InvalidResponse;
            }

            if (!connection.Head.IsInterim)
            {
                return await ForwardResponseAsync(reader.Length);
            }

            if (connection.Head.Status == StatusCodes.Status100Continue)
            {
                _body?.Start();
            }
            else if (_context.Request.Headers.Expect.Count == 0 && HttpProtocol.IsHttp11(_context.Request.Protocol)
                && _context.Features.Get<KestrelConnection>() is { } client)
            {
                // While the client waits for 100 Continue, Kestrel may be about to send it.
                await client.SendInterimAsync(ResponseFields.FormatInterim(connection.Input.Bytes.Span, connection.Head));
            }

            if (!reader.TrySkipInterim())
            {
                return RequestFailure.InvalidResponse;
            }
        }
    }

    private async ValueTask<RequestFailure?> ForwardResponseAsync(int headLength)
    {
        attempt.Settle(responded: true);
        if (attempt.IsAbandoned)
        {
            return RequestFailure.BackendHung;
        }

        var (head, response) = (connection.Head, _context.Response);
        attempt.Runtime.RecordConnectionClose(head.HasConnectionClose);
        ResponseFields.Apply(connection.Input.Bytes.Span, head, response);
        request.HandOutCookie(response.Headers);
        connection.Input.Consume(headLength);
        PrepareBody(head.Status);

        var framing = head.Framing(_context.Request.Method == HttpMethods.Head);
        var chunks = framing is BodyFraming.Chunked or BodyFraming.UntilClose && HttpProtocol.IsHttp11(_context.Request.Protocol);
        if (head.HasTrailerField && framing != BodyFraming.None && !chunks && !HttpProtocol.IsHttp2(_context.Request.Protocol))
        {
            // There can be no trailers.
            response.Headers.Trailer = default;
        }

        var writer = new ResponseWriter(response, chunks);
        if (framing != BodyFraming.None && await CopyBodyAsync(framing, writer) is { } failure)
        {
            return failure;
        }

        if (_body is { IsComplete: false } && head.Status < 300)
        {
            // The backend has responded but goes on reading the request, even if it closes afterwards.
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
            // It may be told to end at any time, even when it has just ended by itself.
            connection.Head.Closes = true;
        }

        try
        {
            return await new ResponseBody(connection, writer).CopyAsync(framing) switch
            {
                BodyEnd.Complete => null,
                BodyEnd.Invalid => _context.Response.HasStarted ? RequestFailure.BrokenResponse : RequestFailure.InvalidResponse,
                BodyEnd.ClientGone => RequestFailure.ClientAborted,
                _ => AbortFailure(hasResponded: true) ?? RequestFailure.BrokenResponse,
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

    // An error response means that the body is not wanted; a success means that it is, even without 100 Continue.
    private void PrepareBody(int status)
    {
        if (status < StatusCodes.Status300MultipleChoices)
        {
            _body?.Start();
        }
        else
        {
            _body?.PreventStart();
        }
    }

    private void AbortResponse(RequestFailure failure)
    {
        var response = _context.Response;
        if (response.HasStarted)
        {
            // The client must be able to tell that the response is incomplete.
            KestrelConnection.AbortResponse(_context);
        }
        else if (failure.Point == FailurePoint.Client)
        {
            // The client may still be there, and must not mistake the end of its invalid body for success.
            response.Clear();
            response.StatusCode = (_body?.ClientFault as BadHttpRequestException)?.StatusCode ?? StatusCodes.Status400BadRequest;
        }
    }
}

/// <summary>Reads response heads: interim ones, and the final one.</summary>
internal struct ResponseHeadReader(PooledConnection connection)
{
    private int _parsed;
    private int _interim;

    /// <summary>The length of the last head, in bytes.</summary>
    public int Length { get; private set; }

    /// <summary>Not a single byte has arrived.</summary>
    public bool HasNothing => _interim == 0 && connection.Input.IsEmpty;

    /// <summary>Parses the next head into <see cref="PooledConnection.Head"/>.</summary>
    /// <returns>Incomplete when a receive is pending.</returns>
    public HeadState Read()
    {
        var bytes = connection.Input.Bytes;
        if (bytes.Length == _parsed)
        {
            return HeadState.Incomplete;
        }

        var state = ResponseParser.Parse(bytes.Span, _parsed, connection.Head, out var length);
        Length = length;
        if (state == HeadState.Incomplete)
        {
            _parsed = bytes.Length;
            connection.BeginReceive();
        }

        return state;
    }

    /// <summary>Skips an interim response.</summary>
    /// <returns>False when there were too many.</returns>
    public bool TrySkipInterim()
    {
        connection.Input.Consume(Length);
        _parsed = 0;
        if (connection.Input.IsEmpty)
        {
            connection.BeginReceive();
        }

        return ++_interim <= ResponseHead.MaxInterim;
    }
}
