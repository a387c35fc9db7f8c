using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Tokens;

/// <summary>RFC 6749 §3.3: what is asked for and what is granted.</summary>
public sealed class ScopeTests(SharedServer server) : IDisposable
{
    private readonly TokenEndpointCaller _caller = server.NewCaller();

    [Theory]
    [InlineData("read", "read")]
    [InlineData("read write", "read write")]
    [InlineData("read+write", "read write")]
    [InlineData("read%20write", "read write")]
    [InlineData("write read", "read write")]
    [InlineData("reports%3Arun+read", "read reports:run")]
    [InlineData("read read write read", "read write")]
    public async Task The_answer_names_each_scope_asked_for_once_in_the_order_of_registration(string asked, string granted)
    {
        var answer = await _caller.PostAsync(PreparedClients.Usual, "&scope=" + asked);

        Expect.Granted(answer);
        Assert.Equal(granted, answer.Scope);
        Assert.Equal(granted, answer.Claims.GetProperty("scope").GetString());
    }

    [Fact]
    public async Task A_request_without_scope_gets_all_scopes_when_no_default_is_registered()
    {
        var answer = await _caller.PostAsync(PreparedClients.Usual);

        Assert.Equal("read write reports:run", answer.Scope);
    }

    [Fact]
    public async Task A_request_without_scope_gets_the_default_scopes_in_the_order_of_registration()
    {
        var answer = await _caller.PostAsync(PreparedClients.WithDefaults);

        Assert.Equal("read write", answer.Scope);
        Assert.Equal("read write", answer.Claims.GetProperty("scope").GetString());
    }

    [Fact]
    public async Task A_scope_that_is_not_among_the_default_is_granted_when_asked_for() =>
        Assert.Equal("delete", (await _caller.PostAsync(PreparedClients.WithDefaults, "&scope=delete")).Scope);

    [Fact]
    public async Task A_client_without_default_scopes_gets_an_empty_scope_and_no_claim()
    {
        foreach (var client in (TestClient[])[PreparedClients.WithoutDefaults, PreparedClients.WithoutScopes])
        {
            var answer = await _caller.PostAsync(client);

            Expect.Granted(answer);
            Assert.Equal("", answer.Scope);
            Assert.False(answer.Claims.TryGetProperty("scope", out _));
        }
    }

    [Theory]
    [InlineData("delete")]
    [InlineData("read delete")]
    [InlineData("READ")]
    [InlineData("authcluster:admin")]
    [InlineData("%20read")]
    [InlineData("read%20")]
    [InlineData("read++write")]
    [InlineData("+")]
    [InlineData("read%09write")]
    [InlineData("read%0Awrite")]
    [InlineData("read%00")]
    [InlineData("%22read%22")]
    [InlineData("read%5C")]
    [InlineData("r%C3%A9ad")]
    [InlineData("read%7F")]
    public async Task A_scope_that_is_not_allowed_or_malformed_is_invalid_and_the_answer_names_no_scope_of_the_client(string asked)
    {
        var answer = await _caller.PostAsync(PreparedClients.Usual, "&scope=" + asked);

        Expect.Refused(400, "invalid_scope", answer);
        Assert.DoesNotContain("reports:run", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("write", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_scope_of_15_KiB_is_invalid() =>
        Expect.Refused(400, "invalid_scope", await _caller.PostAsync(PreparedClients.Usual, "&scope=" + new string('r', 15 * 1024)));

    [Fact]
    public async Task Seven_thousand_scopes_in_one_request_are_invalid() =>
        Expect.Refused(400, "invalid_scope", await _caller.PostAsync(PreparedClients.Usual, "&scope=" + string.Join('+', Enumerable.Repeat("q", 7_000))));

    [Fact]
    public async Task A_client_without_scopes_may_ask_for_none() =>
        Expect.Refused(400, "invalid_scope", await _caller.PostAsync(PreparedClients.WithoutScopes, "&scope=read"));

    [Fact]
    public async Task A_wrong_secret_comes_before_a_wrong_scope() =>
        Expect.Refused(401, "invalid_client", await _caller.PostAsync(PreparedClients.Usual with { Secret = PreparedClients.Other.Secret }, "&scope=delete"));

    [Fact]
    public async Task The_right_secret_of_a_disabled_client_with_a_wrong_scope_is_an_invalid_client() =>
        Expect.Refused(401, "invalid_client", await _caller.PostAsync(PreparedClients.Disabled, "&scope=delete"));

    public void Dispose() => _caller.Dispose();
}
