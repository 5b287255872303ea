using System.Diagnostics;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>
/// Trace spans of an exchange: a server span for the request and a client span for each attempt. Without a listener there
/// are none, and the client's trace context is forwarded unchanged.
/// </summary>
internal sealed class ExchangeSpans
{
    /// <summary>A traceparent line: name, version, trace id, span id, flags (W3C Trace Context, section 3.2.2).</summary>
    private const int LineLength = 13 + 55 + 2;

    private static readonly ActivitySource Source = new("Kiro.Front");

    private readonly byte[] _line = new byte[LineLength];
    private Activity? _request;
    private Activity? _attempt;

    /// <summary>Whether the request is traced, so that the backend gets our traceparent.</summary>
    public bool IsOn => _request is not null;

    /// <summary>The traceparent line for the backend; filled in by <see cref="BeginAttempt"/>.</summary>
    public ReadOnlySpan<byte> Line => _request is null ? [] : _line;

    /// <summary>Starts the server span.</summary>
    public void Begin(ReadOnlySpan<byte> bytes, RequestHead head, bool isSecure)
    {
        if (!Source.HasListeners())
        {
            return;
        }

        var method = Encoding.ASCII.GetString(bytes.Slice(head.MethodName.Start, head.MethodName.Length));
        ActivityContext.TryParse(
            Text(head.FirstValue(bytes, RequestFieldKind.TraceParent)), TraceState(bytes, head), isRemote: true, out var parent);
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

    /// <summary>Starts the client span of an attempt, and writes its id into the request.</summary>
    public void BeginAttempt(Backend backend, OutgoingRequest outgoing)
    {
        if (_request is null)
        {
            return;
        }

        EndAttempt(status: null, failed: true);
        _attempt = Start(outgoing.Method, ActivityKind.Client, _request.Context);
        _attempt?.SetTag("http.request.method", outgoing.Method);
        _attempt?.SetTag("server.address", backend.Host);
        _attempt?.SetTag("server.port", backend.Port);
        Write(_attempt ?? _request);
        outgoing.Overwrite("\r\ntraceparent: "u8, _line.AsSpan(13, 55));
    }

    public void End(int status)
    {
        if (_request is null)
        {
            return;
        }

        EndAttempt(status, status >= StatusCodes.Status500InternalServerError);
        _request.SetTag("http.response.status_code", status);
        if (status >= StatusCodes.Status500InternalServerError)
        {
            _request.SetStatus(ActivityStatusCode.Error);
        }

        Stop(_request);
        _request = null;
    }

    private void EndAttempt(int? status, bool failed)
    {
        if (_attempt is null)
        {
            return;
        }

        _attempt.SetTag("http.response.status_code", status);
        if (failed)
        {
            _attempt.SetStatus(ActivityStatusCode.Error);
        }

        Stop(_attempt);
        _attempt = null;
    }

    // A loop interleaves many requests, so none of them is the current activity.
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

    private static string? TraceState(ReadOnlySpan<byte> bytes, RequestHead head)
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
