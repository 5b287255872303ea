using System.Text.RegularExpressions;
using Aspire.Hosting.Pipelines;
using Kiro.AppHost.Published;
using Microsoft.Extensions.DependencyInjection;

namespace Kiro.AppHost.Export;

/// <summary>Text changes to the chart's files for which the publisher has no settings.</summary>
internal static partial class ChartText
{
    private const string Ports = """
                  ports:
                    - name: "http"
                      protocol: "TCP"
                      containerPort: 13003

        """;

    private const string SecureVariables = """
                  env:
                    - name: "TLS_PORT"
                      value: "13443"
                    - name: "TLS_CERTIFICATES"
                      value: "/etc/kiro/tls"

        """;

    private const string Mounts = $"""
                  volumeMounts:
                    - name: "state"
                      mountPath: "{PublishedSettings.StateFolder}"

        """;

    private const string SecureMount = """
                    - name: "tls"
                      mountPath: "/etc/kiro/tls/site"
                      readOnly: true

        """;

    private const string SecurePort = """
                    - name: "https"
                      protocol: "TCP"
                      containerPort: 13443

        """;

    private const string ServiceLinks = """
              enableServiceLinks: false

        """;

    // Lives as long as the pod and survives container restarts. A new pod gets the admin actions from its peers.
    private const string Volumes = """
              volumes:
                - name: "state"
                  emptyDir:
                    sizeLimit: "128Mi"

        """;

    private const string SecureVolume = """
                - name: "tls"
                  secret:
                    secretName: "{{ .Values.parameters.balancer.tls_secret }}"

        """;

    private const string ServicePort = """
              port: 13003
              targetPort: 13003

        """;

    private const string SecureServicePort = """
            - name: "https"
              protocol: "TCP"
              port: 443
              targetPort: 13443

        """;

    private const string NodesName = "  BACKEND_DNS: \"api-service\"\n";

    // Peers authenticate with the token, and cannot reach an admin listener on loopback.
    private const string PeersName = """
        {{- if and .Values.secrets.balancer.admin_token (not (regexMatch "^(127[.]|[[]::1[]])" (.Values.config.balancer.admin_listen | toString))) }}
          BALANCER_PEERS: "balancer-peers"
        {{- end }}

        """;

    private static readonly (string File, string Published, string Wanted)[] Changes =
    [
        // The preStop sleep needs it.
        ("Chart.yaml", "\">= 1.18.0-0\"", "\">= 1.30.0-0\""),
        ("values.yaml", "\"api:latest\"\n", $"\"registry.example/kiro-api:{PublishedSettings.Version}\"\n    min_replicas: {PublishedSettings.Nodes}\n    max_replicas: 20\n"),
        ("values.yaml", "\"balancer:latest\"\n", $"\"registry.example/kiro-balancer:{PublishedSettings.Version}\"\n    replicas: 2\n    tls_secret: \"\"\n"),
        ("templates/api/autoscaler.yaml", $"minReplicas: {PublishedSettings.Nodes}\n", "minReplicas: {{ .Values.parameters.api.min_replicas }}\n"),
        ("templates/api/autoscaler.yaml", "maxReplicas: 20\n", "maxReplicas: {{ .Values.parameters.api.max_replicas }}\n"),
        ("templates/balancer/deployment.yaml", "replicas: 2\n", "replicas: {{ .Values.parameters.balancer.replicas }}\n"),
        // HTTPS with a secret of type kubernetes.io/tls, such as cert-manager creates, if one is set.
        ("templates/balancer/deployment.yaml", Ports, IfTls(SecureVariables) + Mounts + IfTls(SecureMount) + Ports + IfTls(SecurePort)),
        ("templates/balancer/deployment.yaml", ServiceLinks, ServiceLinks + Volumes + IfTls(SecureVolume)),
        ("templates/balancer/service.yaml", ServicePort, ServicePort + IfTls(SecureServicePort)),
        // The chart itself determines the name of the nodes' Service.
        ("values.yaml", "    BACKEND_DNS: \"api-service\"\n", ""),
        ("templates/balancer/config.yaml", "\"{{ .Values.config.balancer.BACKEND_DNS }}\"", "\"api-service\""),
        ("templates/balancer/config.yaml", NodesName, NodesName + PeersName),
    ];

    // Names must be unique per release. A Service name has at most 63 characters and no dots.
    private const string Release = "{{ .Release.Name | trunc 40 | replace \".\" \"-\" | trimSuffix \"-\" }}";

    private static string IfTls(string lines) => "{{- if .Values.parameters.balancer.tls_secret }}\n" + lines + "{{- end }}\n";

    public static async Task WriteAsync(PipelineStepContext context)
    {
        var folder = context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory();
        foreach (var (name, published, wanted) in Changes)
        {
            await ChangeAsync(Path.Combine(folder, name), text => text.Contains(published, StringComparison.Ordinal)
                ? text.Replace(published, wanted, StringComparison.Ordinal)
                : throw new InvalidOperationException($"The publisher no longer writes {published} into {name}."));
        }

        foreach (var file in Directory.GetFiles(Path.Combine(folder, "templates"), "*.yaml", SearchOption.AllDirectories))
        {
            await ChangeAsync(file, text => Name().Replace(Value().Replace(text, "{{ $1 | quote }}"), $"\"{Release}-$1\""));
        }

        async Task ChangeAsync(string file, Func<string, string> change) => await File.WriteAllTextAsync(
            file, change(await File.ReadAllTextAsync(file, context.CancellationToken)), context.CancellationToken);
    }

    // Instead of the publisher's own quotes, which do not allow quotes in values.
    [GeneratedRegex(@"""\{\{ (\.Values\.[\w.]+) \}\}""")]
    private static partial Regex Value();

    [GeneratedRegex("\"((api|balancer)-(autoscaler|budget|config|deployment|network|peers|secrets|service))\"")]
    private static partial Regex Name();
}
