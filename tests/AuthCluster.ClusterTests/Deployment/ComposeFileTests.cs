using System.Text.Json;
using AuthCluster.TestKit;
using NJsonSchema;

namespace AuthCluster.ClusterTests.Deployment;

/// <summary>
/// <c>docker-compose.yml</c> against the Compose Specification's own schema. <c>compose-spec.json</c> is the schema of
/// https://github.com/compose-spec/compose-spec at commit 170098ba, under the Apache License 2.0, unchanged.
/// </summary>
public sealed class ComposeFileTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_compose_file_obeys_the_compose_specification()
    {
        var file = ComposeFile.Parse(await ComposeFile.ReadAsync(Cancellation));

        Assert.Empty(await ErrorsAsync(file));
    }

    [Theory]
    [InlineData("stop_grace_period: 45s", "stop_grace: 45s")]
    [InlineData("read_only: true", "read_only: [true]")]
    [InlineData("condition: service_started", "condition: service_running")]
    [InlineData("    networks: [internal, edge]", "    networks: 7")]
    public async Task The_check_finds_a_mistake(string right, string wrong)
    {
        var yaml = await ComposeFile.ReadAsync(Cancellation);
        Assert.Contains(right, yaml, StringComparison.Ordinal);

        Assert.NotEmpty(await ErrorsAsync(ComposeFile.Parse(yaml.Replace(right, wrong, StringComparison.Ordinal))));
    }

    [Fact]
    public async Task Three_silos_run_without_root_on_a_read_only_root_and_are_given_time_to_drain()
    {
        var file = ComposeFile.Parse(await ComposeFile.ReadAsync(Cancellation));
        var silos = file.GetProperty("services").EnumerateObject().Where(service => service.Name.StartsWith("silo-", StringComparison.Ordinal)).ToList();

        Assert.Equal(3, silos.Count);
        foreach (var silo in silos.Select(service => service.Value))
        {
            Assert.True(silo.GetProperty("read_only").GetBoolean());
            Assert.Equal("1654:1654", silo.GetProperty("user").GetString());
            Assert.Equal("ALL", silo.GetProperty("cap_drop")[0].GetString());
            Assert.Equal("internal", Assert.Single(silo.GetProperty("networks").EnumerateArray()).GetString());
            Assert.False(silo.TryGetProperty("ports", out _));
            var drain = TimeSpan.Parse(silo.GetProperty("environment").GetProperty("AuthCluster__Http__DrainDelay").GetString()!, System.Globalization.CultureInfo.InvariantCulture);
            var grace = int.Parse(silo.GetProperty("stop_grace_period").GetString()!.TrimEnd('s'), System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(grace > drain.TotalSeconds + 25, "A silo is killed before it has drained.");
        }

        Assert.True(file.GetProperty("networks").GetProperty("internal").GetProperty("internal").GetBoolean());
    }

    [Fact]
    public async Task Callers_and_operators_come_in_through_the_balancer_and_from_this_machine_alone()
    {
        var file = ComposeFile.Parse(await ComposeFile.ReadAsync(Cancellation));
        var published = file.GetProperty("services").EnumerateObject()
            .Where(service => service.Value.TryGetProperty("ports", out _))
            .SelectMany(service => service.Value.GetProperty("ports").EnumerateArray().Select(port => $"{service.Name} {port}"));

        Assert.Equal(["balancer 127.0.0.1:8080:8080", "balancer 127.0.0.1:9090:9090"], published);
    }

    private static async Task<IReadOnlyList<string>> ErrorsAsync(JsonElement file)
    {
        var schema = await JsonSchema.FromFileAsync(
            Repository.PathOf("tests", "AuthCluster.ClusterTests", "Deployment", "compose-spec.json"), Cancellation);
        return [.. schema.Validate(file.GetRawText()).Select(error => error.ToString())];
    }
}
