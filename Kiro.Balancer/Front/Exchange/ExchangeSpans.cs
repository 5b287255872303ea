using System.Diagnostics;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>
/// The spans of an exchange: one for the client's request, and one below it for each try at a node. Without anybody who
/// records them there are none, and the client's trace context passes through as it came.
/// </summary>
internal sealed class ExchangeSpans
{
    /// <summary>A traceparent line: name, version, trace, span, flags (W3C Trace Context, section 3.2.2).</summary>
    private const int LineLength = 13 + 55 + 2;

    private static readonly ActivitySource Source = new("Kiro.Front");

    private readonly byte[] _line = new byte[LineLength];
    private Activity? _request;
    private Activity? _try;

    /// <summary>Whether spans are made for this exchange, so that the node gets a line of ours.</summary>
    public bool IsOn => _request is not null;

    /// <summary>The line for a node's head, valid from the next try on.</summary>
    public ReadOnlySpan<byte> Line => _request is null ? [] : _line;

    /// <summary>Begins the span of a request.</summary>
    public void Begin(ReadOnlySpan<byte> bytes, RequestHead head, bool isSecure)
    {
        if (!Source.HasListeners())
        {
            return;
        }

        var method = Encoding.ASCII.GetString(bytes.Slice(head.MethodName.Start, head.MethodName.Length));
        ActivityContext.TryParse(
            Text(head.FirstValue(bytes, RequestFieldKind.TraceParent)), State(bytes, head), isRemote: true, out var parent);
        _request = Start(method, ActivityKind.Server, parent);
        if (_request is null)
        {
            return;
        }

        var path = bytes.Slice(head.Path.Start, head.Path.Length);
        path = path.IndexOf((byte)'?') is >= 0 and var query ? path[..query] : path;
        _request.SetTag("http.request.method", method);
        _request.SetTag("url.scheme", isSecure ? "https" : "http");
        _request.SetTag("url.path", Encoding.ASCII.GetString(path));
        _request.SetTag("server.address", Encoding.ASCII.GetString(bytes.Slice(head.Host.Start, head.Host.Length)));
        _request.SetTag("network.protocol.version", head.IsHttp10 ? "1.0" : "1.1");
        "traceparent: 00-"u8.CopyTo(_line);
        "\r\n"u8.CopyTo(_line.AsSpan(LineLength - 2));
        Write(_request);
    }

    /// <summary>Begins the span of a try, and writes it into the head for the node.</summary>
    public void BeginTry(Backend backend, OutgoingRequest outgoing)
    {
        if (_request is null)
        {
            return;
        }

        EndTry(status: null, failed: true);
        _try = Start(outgoing.Method, ActivityKind.Client, _request.Context);
        _try?.SetTag("http.request.method", outgoing.Method);
        _try?.SetTag("server.address", backend.Host);
        _try?.SetTag("server.port", backend.Port);
        Write(_try ?? _request);
        outgoing.Overwrite("\r\ntraceparent: "u8, _line.AsSpan(13, 55));
    }

    public void End(int status)
    {
        if (_request is null)
        {
            return;
        }

        EndTry(status, status >= StatusCodes.Status500InternalServerError);
        _request.SetTag("http.response.status_code", status);
        if (status >= StatusCodes.Status500InternalServerError)
        {
            _request.SetStatus(ActivityStatusCode.Error);
        }

        Stop(_request);
        _request = null;
    }

    private void EndTry(int? status, bool failed)
    {
        if (_try is null)
        {
            return;
        }

        _try.SetTag("http.response.status_code", status);
        if (failed)
        {
            _try.SetStatus(ActivityStatusCode.Error);
        }

        Stop(_try);
        _try = null;
    }

    // A loop has many requests at the same time, so none of them is the current one.
    private static Activity? Start(string name, ActivityKind kind, ActivityContext parent)
    {
        var activity = Source.StartActivity(name, kind, parent);
        Activity.Current = null;
        return activity;
    }

    private static void Stop(Activity activity)
    {
        activity.Stop();
        Activity.Current = null;
    }

    private void Write(Activity activity)
    {
        var text = $"{activity.TraceId.ToHexString()}-{activity.SpanId.ToHexString()}-{(activity.Recorded ? "01" : "00")}";
        Encoding.ASCII.GetBytes(text, _line.AsSpan(16));
    }

    private static string? State(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        foreach (ref readonly var field in head.Fields)
        {
            if (field.NameLength == 10 && Ascii.EqualsIgnoreCase(field.Name(bytes), "tracestate"u8))
            {
                return Text(field.Value(bytes));
            }
        }

        return null;
    }

    private static string? Text(ReadOnlySpan<byte> value) => value.IsEmpty ? null : Encoding.Latin1.GetString(value);
}
