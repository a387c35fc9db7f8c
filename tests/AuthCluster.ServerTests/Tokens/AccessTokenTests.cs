using System.Text.Json;
using System.Text.Json.Nodes;
using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Tokens;

/// <summary>RFC 6749 §5.1 and RFC 9068 §2: what a granted request gets.</summary>
public sealed class AccessTokenTests(SharedServer server) : IDisposable
{
    private readonly TokenEndpointCaller _caller = server.NewCaller();

    [Fact]
    public async Task The_answer_has_the_four_members_and_no_others()
    {
        var answer = await _caller.PostAsync(PreparedClients.Usual);

        Expect.Granted(answer);
        Assert.Equal("Bearer", answer.Json.GetProperty("token_type").GetString());
        Assert.Equal(JsonValueKind.Number, answer.Json.GetProperty("expires_in").ValueKind);
        Assert.Matches("^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$", answer.Token);
    }

    [Fact]
    public async Task The_token_is_typed_and_signed_by_a_published_key()
    {
        var answer = await _caller.PostAsync(PreparedClients.Usual);
        using var keys = JsonDocument.Parse(await _caller.Http.GetStringAsync("/.well-known/jwks.json", TestContext.Current.CancellationToken));

        Assert.Equal("at+jwt", answer.TokenHeader.GetProperty("typ").GetString());
        Assert.Equal("ES256", answer.TokenHeader.GetProperty("alg").GetString());
        Assert.Contains(answer.TokenHeader.GetProperty("kid").GetString(), keys.RootElement.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("kid").GetString()));
    }

    [Fact]
    public async Task The_token_has_the_claims_of_RFC_9068_and_its_generation()
    {
        var before = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var answer = await _caller.PostAsync(PreparedClients.Usual, "&scope=read");
        var after = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

        var claims = answer.Claims;
        Assert.Equal(
            ["aud", "client_id", "exp", "gen", "iat", "iss", "jti", "scope", "sub"],
            claims.EnumerateObject().Select(claim => claim.Name).Order(StringComparer.Ordinal));
        Assert.Equal(server.Issuer, claims.GetProperty("iss").GetString());
        Assert.Equal("usual", claims.GetProperty("sub").GetString());
        Assert.Equal("usual", claims.GetProperty("client_id").GetString());
        var issuedAt = claims.GetProperty("iat").GetInt64();
        Assert.InRange(issuedAt, before, after);
        Assert.Equal(issuedAt + 3600, claims.GetProperty("exp").GetInt64());
        Assert.InRange(answer.Json.GetProperty("expires_in").GetInt64(), 3599, 3600);
        Assert.True(claims.GetProperty("gen").TryGetInt64(out _));
    }

    [Fact]
    public async Task Token_ids_never_repeat_and_the_generation_stays()
    {
        List<TokenAnswer> answers = [];
        for (var i = 0; i < 200; i++)
        {
            answers.Add(await _caller.PostAsync(PreparedClients.Usual));
        }

        var ids = answers.Select(answer => answer.Claims.GetProperty("jti").GetString()!).ToList();
        Assert.Equal(answers.Count, ids.Distinct(StringComparer.Ordinal).Count());
        Assert.All(ids, id => Assert.InRange(id.Length, 22, 36));
        Assert.Single(answers.Select(answer => answer.Claims.GetProperty("gen").GetInt64()).Distinct());
    }

    [Fact]
    public async Task A_client_has_its_own_lifetime_and_claims()
    {
        var answer = await _caller.PostAsync(PreparedClients.WithClaims);

        Assert.InRange(answer.Json.GetProperty("expires_in").GetInt64(), 89, 90);
        Assert.Equal(90, answer.Claims.GetProperty("exp").GetInt64() - answer.Claims.GetProperty("iat").GetInt64());
        Assert.Equal("Ünited \"quotes\" & <tags>", answer.Claims.GetProperty("tenant").GetString());
        Assert.Equal(3, answer.Claims.GetProperty("tier").GetInt32());
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("[true, 1.5, \"x\"]"), JsonNode.Parse(answer.Claims.GetProperty("flags").GetRawText())));
        Assert.Equal("Zürich", answer.Claims.GetProperty("address").GetProperty("city").GetString());
    }

    public void Dispose() => _caller.Dispose();
}
