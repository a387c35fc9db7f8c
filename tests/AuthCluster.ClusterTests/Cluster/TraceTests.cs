using AuthCluster.ClusterTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ClusterTests.Cluster;

/// <summary>OpenTelemetry traces: one trace from the front end's request through the grain to the database.</summary>
public sealed class TraceTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_trace_follows_a_request_from_the_front_end_through_the_grain_to_storage()
    {
        var admin = TestClient.New("boss");
        await using var collector = new OtlpCollector();
        await using var cluster = await ClusterUnderTest.CreateAsync(DatabaseKind.PostgreSql, admin.Document(TestClient.Administers));
        await cluster.StartNodesAsync(1, node => Trace(node, "Silo", collector));
        var front = (await cluster.StartNodesAsync(1, node =>
        {
            Trace(node, "FrontEnd", collector);
            node["AuthCluster:Bootstrap:ClientsFile"] = null;
        }))[0];
        using var caller = new Caller();
        var token = await caller.TokenAsync(front, admin);
        using var created = await caller.SendAsync(front, HttpMethod.Post, "/admin/v1/clients", token, """{ "clientId": "traced" }""");
        Assert.Equal(201, (int)created.StatusCode);

        List<Span> way = [];
        await Eventually.HoldsAsync(
            "the way of one statement back to its request is known", TimeSpan.FromSeconds(20), () => (way = WayToStorage(collector.Spans)).Count > 0, Cancellation);

        TestContext.Current.TestOutputHelper?.WriteLine(string.Join("\n→ ", way.Select(span => $"{span.Process} {span.Source}: {span.Name}")));
        Assert.Equal(("Microsoft.AspNetCore", "FrontEnd"), (way[0].Source, way[0].Process));
        Assert.Contains(way, span => span is { Source: "Microsoft.Orleans.Application", Process: "FrontEnd" });
        Assert.Contains(way, span => span is { Source: "Microsoft.Orleans.Application", Process: "Silo" });
        Assert.Contains(way, span => span is { Source: "AuthCluster.Storage", Process: "Silo" });
        Assert.Equal(("Npgsql", "Silo"), (way[^1].Source, way[^1].Process));
    }

    [Fact]
    public async Task No_trace_holds_a_secret_that_was_sent_as_a_client_id()
    {
        const string Secret = "correct-horse-battery-staple";
        await using var collector = new OtlpCollector();
        await using var cluster = await ClusterUnderTest.CreateAsync(DatabaseKind.PostgreSql, TestClient.New("boss").Document(TestClient.Administers));
        await cluster.StartNodesAsync(1, node => Trace(node, "Silo", collector));
        var node = (await cluster.StartNodesAsync(1, node =>
        {
            Trace(node, "FrontEnd", collector);
            node["AuthCluster:Bootstrap:ClientsFile"] = null;
        }))[0];
        using var caller = new Caller();

        var refused = await caller.AskAsync(node, new TestClient(Secret, Secret));
        Assert.Equal(401, refused.Status);
        await Eventually.HoldsAsync(
            "the request and its call of a grain are traced", TimeSpan.FromSeconds(10), () => IsTraced(collector.Spans), Cancellation);

        Assert.False(collector.Received(Secret));
    }

    private static bool IsTraced(IReadOnlyList<Span> spans) => spans.Any(request =>
        request.Source == "Microsoft.AspNetCore"
        && spans.Any(call => call.Trace == request.Trace && call.Source == "Microsoft.Orleans.Application"));

    private static void Trace(ServerProcess node, string role, OtlpCollector collector)
    {
        node["AuthCluster:Role"] = role;
        node["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address;
        node["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
        node["OTEL_BSP_SCHEDULE_DELAY"] = "200";
        node["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={role}";
    }

    /// <summary>From a request to a statement, each span the child of the one before; empty while a link is missing.</summary>
    private static List<Span> WayToStorage(IReadOnlyList<Span> spans)
    {
        var byId = spans.ToDictionary(span => span.Id);
        foreach (var statement in spans.Where(span => span.Source == "Npgsql"))
        {
            List<Span> way = [statement];
            while (byId.TryGetValue(way[0].Parent, out var parent) && parent.Trace == statement.Trace)
            {
                way.Insert(0, parent);
            }

            if (way[0].Parent.Length == 0 && way[0].Source == "Microsoft.AspNetCore" && way.Any(span => span.Source == "AuthCluster.Storage"))
            {
                return way;
            }
        }

        return [];
    }
}
