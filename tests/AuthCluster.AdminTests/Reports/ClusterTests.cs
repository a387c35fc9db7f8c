using System.Text.Json.Nodes;
using AuthCluster.AdminTests.Session;
using AuthCluster.Contracts.Cluster;

namespace AuthCluster.AdminTests.Reports;

/// <summary><c>/cluster</c>: which silos might still decide by an older state, and the word of an operator that one of them has ended.</summary>
public sealed class ClusterTests
{
    private const string Address = "10.0.0.1:11111@5";

    private static readonly DateTimeOffset Then = new(2026, 5, 1, 2, 3, 4, TimeSpan.Zero);

    [Fact]
    public async Task A_silo_that_died_without_proof_is_shown_with_the_time_until_which_it_might_decide()
    {
        await using var grains = new AnsweringGrains
        {
            Cluster = new ClusterAnswer([new SiloRecord("10.0.0.1:11111@5", "one", "dead", null, Then.ToOffset(TimeSpan.FromHours(2)), 3)]),
        };
        var admin = await grains.StartAsync();

        var silo = Assert.Single((await admin.GetAsync("/cluster")).Json["silos"]!.AsArray())!;

        Assert.Equal("dead", Text(silo, "status"));
        Assert.Equal("2026-05-01T02:03:04Z", Text(silo, "mayDecideUntil"));
        Assert.Equal(3, silo["unconfirmedWrites"]!.GetValue<int>());
        Assert.Null(silo["version"]);
    }

    [Fact]
    public async Task A_silo_that_knows_every_change_shows_neither_time_nor_changes()
    {
        await using var grains = new AnsweringGrains
        {
            Cluster = new ClusterAnswer([new SiloRecord(Address, "one", "active", new SiloReport("1.0.0", Then, 7, 0.5))]),
        };
        var admin = await grains.StartAsync();

        var silo = Assert.Single((await admin.GetAsync("/cluster")).Json["silos"]!.AsArray())!;

        Assert.Equal(
            ["activations", "address", "name", "startedAt", "status", "tokensPerSecond", "version"],
            silo.AsObject().Select(member => member.Key).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(VouchEndedOutcome.Done, 204)]
    [InlineData(VouchEndedOutcome.NotFound, 404)]
    [InlineData(VouchEndedOutcome.Alive, 409)]
    [InlineData(VouchEndedOutcome.Unavailable, 503)]
    public async Task The_word_of_an_operator_is_taken_or_refused_as_the_silos_say(VouchEndedOutcome outcome, int status)
    {
        await using var grains = new AnsweringGrains { Vouched = outcome };
        var admin = await grains.StartAsync();

        var answer = await admin.PostAsync($"/cluster/silos/{Uri.EscapeDataString(Address)}/ended");

        if (status == 204)
        {
            Assert.Equal(status, answer.Status);
        }
        else
        {
            answer.Refused(status);
        }

        var command = Assert.IsType<VouchEndedCommand>(Assert.Single(grains.Calls, call => call.Method == nameof(IClusterGrain.VouchEndedAsync)).Argument);
        Assert.Equal(Address, command.Address);
        Assert.Equal("boss", command.Actor.Actor);
        // The grain needs some 2.3 s, which an attempt must leave it.
        Assert.InRange(command.Actor.AnswerWithin, TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(8));
    }

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public async Task An_address_that_is_longer_than_any_is_not_asked_about(int length, bool isAsked)
    {
        await using var grains = new AnsweringGrains { Vouched = VouchEndedOutcome.NotFound };
        var admin = await grains.StartAsync();

        (await admin.PostAsync($"/cluster/silos/{new string('1', length)}/ended")).Refused(404);

        Assert.Equal(isAsked, grains.Calls.Any(call => call.Method == nameof(IClusterGrain.VouchEndedAsync)));
    }

    private static string Text(JsonNode node, string member) => node[member]!.GetValue<string>();
}
