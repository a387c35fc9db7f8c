using AuthCluster.Web.Cluster;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace AuthCluster.Server.Telemetry;

/// <summary>Metrics for Prometheus, and metrics and traces by OTLP when an endpoint is configured.</summary>
internal static class TelemetrySetup
{
    /// <summary>
    /// The sources of spans, from the request through the grain call to the SQL statement. Statements have Npgsql's spans, and on every
    /// database the storage gate's.
    /// </summary>
    private static readonly string[] Sources =
        ["AuthCluster.*", "Microsoft.AspNetCore", "Microsoft.Orleans.Application", "Microsoft.Orleans.Runtime", "Npgsql"];

    private const string OtlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>Whether traces are exported. If not, grain calls carry no trace context, which would cost time in each call.</summary>
    public static bool IsTraced(IConfiguration configuration) => !string.IsNullOrEmpty(configuration[OtlpEndpoint]);

    public static void Configure(IServiceCollection services, IConfiguration configuration)
    {
        var hasOtlp = IsTraced(configuration);
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
            telemetry.WithTracing(tracing => tracing.AddSource(Sources).AddProcessor<TraceRedaction>().AddOtlpExporter());
        }
    }

    public static void Map(WebApplication app) =>
        app.MapPrometheusScrapingEndpoint("/metrics").WithMetadata(new ManagementEndpoint(LoopbackOnly: true));
}
