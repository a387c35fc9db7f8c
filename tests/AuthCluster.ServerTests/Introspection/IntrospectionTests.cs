using System.Text;
using AuthCluster.ServerKit;
using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Introspection;

/// <summary>RFC 7662: who may learn what about which token.</summary>
public sealed class IntrospectionTests(SharedServer server) : IDisposable
{
    private const string Inactive = """{"active":false}""";

    private readonly OAuthCaller _caller = new(server.Address);

    [Fact]
    public async Task An_active_token_is_described_by_its_own_claims()
    {
        var token = await server.TokenAsync(PreparedClients.WithAudiences, "&audience=inventory");

        var answer = await _caller.IntrospectAsync(PreparedClients.WithAudiences, token.Token);

        Assert.Equal(200, answer.Status);
        Assert.Equal("application/json", answer.ContentHeaders.ContentType?.MediaType);
        Assert.Equal("no-store", answer.Header("Cache-Control"));
        Assert.True(answer.Json.GetProperty("active").GetBoolean());
        Assert.Equal("Bearer", answer.Json.GetProperty("token_type").GetString());
        foreach (var claim in (string[])["client_id", "sub", "scope", "aud", "iss", "jti", "exp", "iat"])
        {
            Assert.Equal(token.Claims.GetProperty(claim).ToString(), answer.Json.GetProperty(claim).ToString());
            Assert.Equal(token.Claims.GetProperty(claim).ValueKind, answer.Json.GetProperty(claim).ValueKind);
        }
    }

    [Fact]
    public async Task Introspection_answers_several_audiences_as_an_array()
    {
        var token = await server.TokenAsync(PreparedClients.WithAudiences);

        var answer = await _caller.IntrospectAsync(PreparedClients.WithAudiences, token.Token);

        Assert.Equal(
            token.Claims.GetProperty("aud").EnumerateArray().Select(aud => aud.GetString()),
            answer.Json.GetProperty("aud").EnumerateArray().Select(aud => aud.GetString()));
    }

    [Fact]
    public async Task An_API_sees_the_tokens_that_are_for_it_and_no_others()
    {
        var forIt = await server.TokenAsync(PreparedClients.WithAudiences, "&audience=inventory");
        var forAnother = await server.TokenAsync(PreparedClients.WithAudiences, "&audience=https%3A%2F%2Fone.example%2Fapi");

        Assert.True(await _caller.IsActiveAsync(PreparedClients.Inventory, forIt.Token));
        Assert.Equal(Inactive, (await _caller.IntrospectAsync(PreparedClients.Inventory, forAnother.Token)).Body);
    }

    [Fact]
    public async Task A_client_with_the_introspection_scope_sees_every_token()
    {
        Assert.True(await _caller.IsActiveAsync(PreparedClients.Inspector, (await server.TokenAsync(PreparedClients.Usual)).Token));
        Assert.True(await _caller.IsActiveAsync(PreparedClients.Inspector, (await server.TokenAsync(PreparedClients.WithAudiences)).Token));
    }

    [Fact]
    public async Task Another_client_is_told_nothing_of_an_active_token() =>
        Assert.Equal(Inactive, (await _caller.IntrospectAsync(PreparedClients.Other, (await server.TokenAsync(PreparedClients.Usual)).Token)).Body);

    [Fact]
    public async Task Anything_but_a_token_of_this_server_is_inactive_and_the_answer_says_nothing_more()
    {
        var token = (await server.TokenAsync(PreparedClients.Usual)).Token;
        var parts = token.Split('.');
        var last = parts[2][^10] == 'A' ? 'B' : 'A';
        string[] none =
        [
            "garbage", "a.b.c", "...", "\u0000", "é", new('x', 20_000), parts[0] + "." + parts[1] + ".",
            // No signature at all, another header on the same signature, a changed signature, a changed claim.
            B64("""{"typ":"at+jwt","alg":"none"}""") + "." + parts[1] + ".",
            B64("""{"typ":"JWT","alg":"ES256"}""") + "." + parts[1] + "." + parts[2],
            $"{parts[0]}.{parts[1]}.{parts[2][..^10]}{last}{parts[2][^9..]}",
            parts[0] + "." + B64("""{"iss":"x","client_id":"usual","exp":9999999999,"jti":"x","gen":1}""") + "." + parts[2],
        ];
        foreach (var text in none)
        {
            var answer = await _caller.IntrospectAsync(PreparedClients.Usual, text);
            Assert.Equal((200, Inactive), (answer.Status, answer.Body));
        }
    }

    [Theory]
    [InlineData("&token_type_hint=refresh_token")]
    [InlineData("&token_type_hint=nonsense")]
    [InlineData("&token_type_hint=access_token")]
    public async Task A_hint_changes_nothing(string hint)
    {
        var token = (await server.TokenAsync(PreparedClients.Usual)).Token;

        Assert.True((await _caller.IntrospectAsync(PreparedClients.Usual, token, hint)).Json.GetProperty("active").GetBoolean());
    }

    [Fact]
    public async Task Introspection_accepts_credentials_in_the_body()
    {
        var token = (await server.TokenAsync(PreparedClients.Usual)).Token;

        var answer = await _caller.FormAsync(
            "/oauth/introspect", $"token={token}&client_id={PreparedClients.Usual.Id}&client_secret={PreparedClients.Usual.Secret}");

        Assert.True(answer.Json.GetProperty("active").GetBoolean());
    }

    [Theory]
    [InlineData("/oauth/introspect")]
    [InlineData("/oauth/revoke")]
    public async Task A_caller_that_fails_to_authenticate_gets_401(string path)
    {
        var form = "token=" + (await server.TokenAsync(PreparedClients.Usual)).Token;

        Expect.Refused(401, "invalid_client", await _caller.FormAsync(path, form));
        var wrong = PreparedClients.Usual with { Secret = PreparedClients.Other.Secret };
        Expect.Refused(401, "invalid_client", await _caller.FormAsync(path, form, TokenEndpointCaller.BasicHeader(wrong)));
        Expect.Refused(401, "invalid_client", await _caller.FormAsync(path, form, TokenEndpointCaller.BasicHeader(PreparedClients.Disabled)));
        Expect.Refused(401, "invalid_client", await _caller.FormAsync(path, form, TokenEndpointCaller.BasicHeader(new TestClient("nobody", PreparedClients.Usual.Secret))));
        Expect.Refused(401, "invalid_client", await _caller.FormAsync(path, form, "Bearer x"));
        var postOnly = await _caller.FormAsync(path, form, TokenEndpointCaller.BasicHeader(PreparedClients.PostOnly));
        Expect.Refused(401, "invalid_client", postOnly);
        Assert.Equal("""{"error":"invalid_client","error_description":"Client authentication failed"}""", postOnly.Body);
    }

    [Theory]
    [InlineData("/oauth/introspect")]
    [InlineData("/oauth/revoke")]
    public async Task A_form_without_a_token_or_with_two_is_invalid(string path)
    {
        var basic = TokenEndpointCaller.BasicHeader(PreparedClients.Usual);

        Expect.Refused(400, "invalid_request", await _caller.FormAsync(path, "", basic));
        Expect.Refused(400, "invalid_request", await _caller.FormAsync(path, "token=", basic));
        Expect.Refused(400, "invalid_request", await _caller.FormAsync(path, "token=a&token=b", basic));
        Expect.Refused(400, "invalid_request", await _caller.FormAsync(path + "?token=a", "", basic));
    }

    [Theory]
    [InlineData("/oauth/introspect")]
    [InlineData("/oauth/revoke")]
    public async Task Introspection_and_revocation_accept_only_POST_so_that_no_log_gets_a_token(string path)
    {
        var answer = await _caller.FormAsync(path, "", TokenEndpointCaller.BasicHeader(PreparedClients.Usual), HttpMethod.Get);

        Assert.Equal(405, answer.Status);
        Assert.Equal("POST", answer.Header("Allow"));
        Assert.Equal("no-store", answer.Header("Cache-Control"));
    }

    [Theory]
    [InlineData("/oauth/introspect")]
    [InlineData("/oauth/revoke")]
    public async Task A_form_of_30_KiB_is_read_and_one_of_more_than_32_KiB_is_too_large(string path)
    {
        var basic = TokenEndpointCaller.BasicHeader(PreparedClients.Usual);

        Assert.Equal(200, (await _caller.FormAsync(path, "token=" + new string('x', 30 * 1024), basic)).Status);
        Expect.Refused(413, "invalid_request", await _caller.FormAsync(path, "token=" + new string('x', 33 * 1024), basic));
    }

    [Fact]
    public async Task A_token_is_inactive_once_it_has_expired()
    {
        var clock = new AdvancingDate();
        await using var own = new InProcessServer { Clock = clock };
        var client = new TestClient("short", GeneratedSecret.New());
        own["AuthCluster:Bootstrap:ClientsFile"] = own.WriteFile("clients.json", ClientDocument.File(
            ClientDocument.For(client, new() { ["tokenLifetimeSeconds"] = 60 })));
        await own.StartAsync(TestContext.Current.CancellationToken);
        using var tokens = new TokenEndpointCaller(own.Address);
        using var caller = new OAuthCaller(own.Address);
        var token = (await tokens.PostAsync(client)).Token;

        Assert.True(await caller.IsActiveAsync(client, token));
        clock.Advance(TimeSpan.FromSeconds(61));
        Assert.False(await caller.IsActiveAsync(client, token));
        Assert.Equal(200, (await caller.RevokeAsync(client, token)).Status);
    }

    public void Dispose() => _caller.Dispose();

    private static string B64(string json) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
