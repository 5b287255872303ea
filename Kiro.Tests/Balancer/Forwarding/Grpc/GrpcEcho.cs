using System.Text;
using Grpc.Core;

namespace Kiro.Tests.Balancer.Forwarding.Grpc;

/// <summary>The service under test, with all four kinds of calls, as protoc would generate it but with strings.</summary>
internal static class GrpcEcho
{
    private const string Name = "kiro.Echo";

    private static readonly Marshaller<string> Text = new(Encoding.UTF8.GetBytes, Encoding.UTF8.GetString);

    public static Method<string, string> Unary { get; } = Of(MethodType.Unary, "Unary");

    public static Method<string, string> FromServer { get; } = Of(MethodType.ServerStreaming, "FromServer");

    public static Method<string, string> FromClient { get; } = Of(MethodType.ClientStreaming, "FromClient");

    public static Method<string, string> BothWays { get; } = Of(MethodType.DuplexStreaming, "BothWays");

    public static void BindService(ServiceBinderBase binder, Service? service)
    {
        UnaryServerMethod<string, string>? unary = service is null ? null : service.Unary;
        ServerStreamingServerMethod<string, string>? fromServer = service is null ? null : service.FromServer;
        ClientStreamingServerMethod<string, string>? fromClient = service is null ? null : service.FromClient;
        DuplexStreamingServerMethod<string, string>? bothWays = service is null ? null : service.BothWays;
        binder.AddMethod(Unary, unary!);
        binder.AddMethod(FromServer, fromServer!);
        binder.AddMethod(FromClient, fromClient!);
        binder.AddMethod(BothWays, bothWays!);
    }

    private static Method<string, string> Of(MethodType type, string name) => new(type, Name, name, Text, Text);

    /// <summary>The server's implementation.</summary>
    [BindServiceMethod(typeof(GrpcEcho), nameof(BindService))]
    public abstract class Service
    {
        public abstract Task<string> Unary(string request, ServerCallContext context);

        public abstract Task FromServer(string request, IServerStreamWriter<string> responses, ServerCallContext context);

        public abstract Task<string> FromClient(IAsyncStreamReader<string> requests, ServerCallContext context);

        public abstract Task BothWays(IAsyncStreamReader<string> requests, IServerStreamWriter<string> responses, ServerCallContext context);
    }
}
