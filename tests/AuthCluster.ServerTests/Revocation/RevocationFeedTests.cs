using System.Diagnostics;
using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Revocation;

/// <summary>The feed of revocations, for APIs that check tokens without asking.</summary>
public sealed class RevocationFeedTests(SharedServer server) : IDisposable
{
    private readonly OAuthCaller _caller = new(server.Address);

    [Fact]
    public async Task A_revoked_token_is_in_the_feed_with_its_id_its_generation_and_its_end()
    {
        var (_, cursor) = await _caller.FeedToEndAsync(PreparedClients.Inventory);
        var token = await RevokedAsync();

        var (items, _) = await _caller.FeedToEndAsync(PreparedClients.Inventory, cursor);

        var item = Assert.Single(items);
        Assert.Equal(["expiresAt", "gen", "kind", "value"], item.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal));
        Assert.Equal("token", item.GetProperty("kind").GetString());
        Assert.Equal(token.Claims.GetProperty("jti").GetString(), item.GetProperty("value").GetString());
        Assert.True(token.Claims.GetProperty("gen").GetInt64() < item.GetProperty("gen").GetInt64());
        Assert.Equal(token.Claims.GetProperty("exp").GetInt64(), item.GetProperty("expiresAt").GetDateTimeOffset().ToUnixTimeSeconds());
    }

    [Fact]
    public async Task A_cursor_that_is_not_known_starts_from_the_beginning()
    {
        var token = await RevokedAsync();
        var jti = token.Claims.GetProperty("jti").GetString();

        foreach (var cursor in (string?[])[null, "unknown", "l1-0-0", "0", new('9', 300)])
        {
            Assert.Contains(
                (await _caller.FeedToEndAsync(PreparedClients.Inspector, cursor)).Items,
                item => item.GetProperty("value").GetString() == jti);
        }
    }

    [Fact]
    public async Task A_held_answer_comes_within_a_second_of_the_revocation_to_every_reader()
    {
        var (_, cursor) = await _caller.FeedToEndAsync(PreparedClients.Inspector);
        var readers = Enumerable.Range(0, 20).Select(_ => _caller.FeedAsync(PreparedClients.Inspector, $"?wait=30&after={cursor}")).ToList();
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        Assert.DoesNotContain(readers, reader => reader.IsCompleted);

        var token = await RevokedAsync();
        var revoked = Stopwatch.GetTimestamp();
        var pages = await Task.WhenAll(readers);

        Assert.InRange(Stopwatch.GetElapsedTime(revoked), TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.All(pages, page => Assert.Equal(
            token.Claims.GetProperty("jti").GetString(),
            Assert.Single(page.Json.GetProperty("items").EnumerateArray()).GetProperty("value").GetString()));
        Assert.Single(pages.Select(page => page.Json.GetProperty("next").GetString()).Distinct(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_answer_is_held_for_the_time_asked_for_and_is_then_empty_with_the_same_cursor()
    {
        var (_, cursor) = await _caller.FeedToEndAsync(PreparedClients.Inspector);
        var asked = Stopwatch.GetTimestamp();

        var page = await _caller.FeedAsync(PreparedClients.Inspector, $"?after={cursor}&wait=2");

        Assert.InRange(Stopwatch.GetElapsedTime(asked), TimeSpan.FromSeconds(1.9), TimeSpan.FromSeconds(6));
        Assert.Equal(200, page.Status);
        Assert.Empty(page.Json.GetProperty("items").EnumerateArray());
        Assert.Equal(cursor, page.Json.GetProperty("next").GetString());
        Assert.Equal("no-store", page.Header("Cache-Control"));
    }

    [Fact]
    public async Task A_feed_request_without_wait_is_answered_at_once()
    {
        var (_, cursor) = await _caller.FeedToEndAsync(PreparedClients.Inspector);
        var asked = Stopwatch.GetTimestamp();

        await _caller.FeedAsync(PreparedClients.Inspector, $"?after={cursor}");

        Assert.InRange(Stopwatch.GetElapsedTime(asked), TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Theory]
    [InlineData("?wait=-1")]
    [InlineData("?wait=1.5")]
    [InlineData("?wait=soon")]
    [InlineData("?wait=1&wait=2")]
    [InlineData("?after=a&after=b")]
    [InlineData("?client_secret=x")]
    public async Task A_malformed_query_is_invalid(string query) =>
        Expect.Refused(400, "invalid_request", await _caller.FeedAsync(PreparedClients.Inspector, query));

    [Fact]
    public async Task A_client_that_is_not_an_API_may_not_read_the_feed()
    {
        var answer = await _caller.FeedAsync(PreparedClients.Usual);

        Expect.Refused(403, "insufficient_scope", answer);
    }

    [Fact]
    public async Task A_reader_of_the_feed_that_fails_to_authenticate_gets_401()
    {
        Expect.Refused(401, "invalid_client", await _caller.FeedAsync(PreparedClients.Inspector with { Secret = PreparedClients.Usual.Secret }));
        Expect.Refused(401, "invalid_client", await _caller.FeedAsync(PreparedClients.Disabled));
        Expect.Refused(401, "invalid_client", await _caller.FormAsync("/oauth/revocations", "", method: HttpMethod.Get));
    }

    [Fact]
    public async Task The_feed_accepts_only_GET()
    {
        var answer = await _caller.FormAsync("/oauth/revocations", "", TokenEndpointCaller.BasicHeader(PreparedClients.Inspector));

        Assert.Equal(405, answer.Status);
        Assert.Equal("GET", answer.Header("Allow"));
    }

    public void Dispose() => _caller.Dispose();

    private async Task<TokenAnswer> RevokedAsync()
    {
        var token = await server.TokenAsync(PreparedClients.Usual);
        Assert.Equal(200, (await _caller.RevokeAsync(PreparedClients.Usual, token.Token)).Status);
        return token;
    }
}
