using AuthCluster.Web.Cluster;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace AuthCluster.Server.Telemetry;

/// <summary>Metrics for Prometheus, and metrics and traces by OTLP when an endpoint is configured.</summary>
internal static class TelemetrySetup
{
    private const string OtlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    public static void Configure(IServiceCollection services, IConfiguration configuration)
    {
        var hasOtlp = !string.IsNullOrEmpty(configuration[OtlpEndpoint]);
        var telemetry = services.AddOpenTelemetry().WithMetrics(metrics =>
        {
            metrics.AddMeter("AuthCluster.*", "Microsoft.Orleans").AddRuntimeInstrumentation().AddPrometheusExporter();
            if (hasOtlp)
            {
                metrics.AddOtlpExporter();
            }
        });
        if (hasOtlp)
        {
            telemetry.WithTracing(tracing => tracing.AddSource("AuthCluster.*", "Microsoft.Orleans.Application").AddOtlpExporter());
        }
    }

    public static void Map(WebApplication app) =>
        app.MapPrometheusScrapingEndpoint("/metrics").WithMetadata(new ManagementEndpoint(LoopbackOnly: true));
}
