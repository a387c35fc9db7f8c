using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Web.Admin;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.Admin;

/// <summary><c>If-Match</c> and <c>If-None-Match</c> of the admin API (RFC 9110 section 13.1).</summary>
public sealed class PreconditionHeaderTests
{
    private const string Present = "2-a";

    private static readonly DateTimeOffset Then = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _clock = new();
    private readonly ScriptedClientGrain _grain = ScriptedClientGrain.Create();

    public PreconditionHeaderTests() => Answer(ClientOutcome.Done);

    [Fact]
    public async Task Without_If_Match_any_state_is_admitted_and_no_grain_is_asked()
    {
        var (match, problem) = await IfMatchAsync();

        Assert.Null(problem);
        Assert.False(match.IsGiven);
        Assert.True(match.Admits(Present));
        Assert.Empty(_grain.Calls);
    }

    [Theory]
    [InlineData("\"2-a\"", true)]
    [InlineData("\"1-a\"", false)]
    [InlineData("*", true)]
    [InlineData("W/\"2-a\"", false)]
    public async Task One_strong_tag_admits_the_state_that_it_names(string header, bool admits)
    {
        var (match, problem) = await IfMatchAsync(header);

        Assert.Null(problem);
        Assert.True(match.IsGiven);
        Assert.Equal(admits, match.Admits(Present));
        Assert.Empty(_grain.Calls);
    }

    [Theory]
    [InlineData("\"1-a\", \"2-a\"", true)]
    [InlineData("\"1-a\", \"3-a\"", false)]
    [InlineData("\"1-a\", W/\"2-a\", \"3-a\"", false)]
    public async Task Several_tags_admit_the_present_state_only_if_its_tag_is_among_them(string header, bool admits)
    {
        var (match, problem) = await IfMatchAsync(header);

        Assert.Null(problem);
        Assert.Equal(admits, match.Admits(Present));
        Assert.Equal(["GetAsync"], _grain.Calls);
    }

    [Fact]
    public async Task Tags_of_one_header_that_comes_twice_are_one_list()
    {
        var (match, _) = await IfMatchAsync("\"1-a\"", "\"2-a\"");

        Assert.True(match.Admits(Present));
    }

    [Fact]
    public async Task Several_tags_for_a_client_that_does_not_exist_admit_nothing()
    {
        Answer(ClientOutcome.NotFound);

        var (match, problem) = await IfMatchAsync("\"1-a\", \"2-a\"");

        Assert.Null(problem);
        Assert.False(match.Admits(Present));
    }

    [Fact]
    public async Task Several_tags_give_a_503_while_the_present_tag_is_unknown()
    {
        Answer(ClientOutcome.Unavailable);

        Assert.Equal(503, (await IfMatchAsync("\"1-a\", \"2-a\"")).Problem?.Status);
    }

    [Theory]
    [InlineData("2-a")]
    [InlineData("\"2-a")]
    [InlineData("")]
    [InlineData("*, \"2-a")]
    public async Task A_header_that_can_not_be_read_is_a_bad_request(string header)
    {
        Assert.Equal(400, (await IfMatchAsync(header)).Problem?.Status);
        Assert.Equal(400, (await IfMatch.ReadAsync(Request(HttpMethods.Put, "If-None-Match", header), Grains, Orders)).Problem?.Status);
    }

    [Theory]
    [InlineData("\"2-a\"", true)]
    [InlineData("W/\"2-a\"", true)]
    [InlineData("*", true)]
    [InlineData("\"1-a\", \"2-a\"", true)]
    [InlineData("\"1-a\"", false)]
    public async Task If_None_Match_with_the_present_tag_makes_a_read_a_304_and_a_change_a_412(string header, bool isKnown)
    {
        Assert.Equal(isKnown ? 304 : null, IfNoneMatch.UnchangedOf(Request(HttpMethods.Get, "If-None-Match", header), Present)?.Status);
        Assert.Null(await IfNoneMatch.ForbidsAsync(Request(HttpMethods.Get, "If-None-Match", header), Grains, Orders));

        var forbidden = await IfNoneMatch.ForbidsAsync(Request(HttpMethods.Put, "If-None-Match", header), Grains, Orders);
        Assert.Equal(isKnown ? 412 : null, forbidden?.Status);
    }

    [Fact]
    public async Task If_None_Match_does_not_refuse_a_change_of_a_client_that_does_not_exist()
    {
        Answer(ClientOutcome.NotFound);

        Assert.Null(await IfNoneMatch.ForbidsAsync(Request(HttpMethods.Put, "If-None-Match", "*"), Grains, Orders));
    }

    [Fact]
    public async Task If_None_Match_makes_a_change_a_503_while_the_present_state_is_unknown()
    {
        Answer(ClientOutcome.Unavailable);

        Assert.Equal(503, (await IfNoneMatch.ForbidsAsync(Request(HttpMethods.Put, "If-None-Match", "*"), Grains, Orders))?.Status);
    }

    private static ClientId Orders => ClientId.TryParse("orders", out var id) ? id : throw new FormatException("The id is outside the grammar.");

    private AdminGrains Grains => _grain.Grains(_clock);

    private Task<(IfMatch Match, AdminAnswer? Problem)> IfMatchAsync(params string[] headers) =>
        IfMatch.ReadAsync(Request(HttpMethods.Put, "If-Match", headers), Grains, Orders);

    private static AdminRequest Request(string method, string header, params string[] values)
    {
        var http = new DefaultHttpContext();
        http.Request.Method = method;
        if (values.Length > 0)
        {
            http.Request.Headers[header] = values;
        }

        return new AdminRequest(http);
    }

    private void Answer(ClientOutcome outcome) => _grain.Answers["GetAsync"] = _ => Task.FromResult(new ClientAnswer
    {
        Outcome = outcome,
        Client = outcome != ClientOutcome.Done ? null : new ClientView
        {
            ClientId = "orders",
            DocumentJson = "{}",
            Enabled = true,
            ETag = Present,
            CreatedAt = Then,
            UpdatedAt = Then,
        },
    });
}
