using System.Text;
using System.Text.Json.Nodes;
using AuthCluster.Protocol.Tokens;
using CsCheck;

namespace AuthCluster.UnitTests.Tokens;

/// <summary>RFC 9068 §2.2: the claims of an access token.</summary>
public sealed class AccessTokenPayloadTests
{
    private static readonly AccessTokenPayload Payload = new()
    {
        Issuer = "https://auth.example",
        ClientId = "orders",
        Audiences = ["https://api.example"],
        Scope = "read write",
        IssuedAt = 1_800_000_000,
        ExpiresAt = 1_800_003_600,
        TokenId = "0123456789abcdefghijkl",
        Generation = 1_887_436_800_000_003,
    };

    [Fact]
    public void The_claims_are_written_in_their_order() =>
        Assert.Equal(
            """{"iss":"https://auth.example","sub":"orders","client_id":"orders","aud":"https://api.example","scope":"read write","iat":1800000000,"exp":1800003600,"jti":"0123456789abcdefghijkl","gen":1887436800000003}""",
            Payload.ToJson());

    [Fact]
    public void Several_audiences_are_a_list_in_the_token() =>
        Assert.Contains(""","aud":["a","b"],""", (Payload with { Audiences = ["a", "b"] }).ToJson(), StringComparison.Ordinal);

    [Fact]
    public void Without_scopes_there_is_no_scope_claim() =>
        Assert.DoesNotContain("scope", (Payload with { Scope = "" }).ToJson(), StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    public void A_client_without_claims_adds_nothing_to_the_token(string claims) =>
        Assert.Equal(Payload.ToJson(), (Payload with { ExtraClaims = Encoding.UTF8.GetBytes(claims) }).ToJson());

    [Fact]
    public void The_clients_own_claims_come_last_as_they_are() =>
        Assert.EndsWith(
            """3,"tenant":"Zürich","n":[1,{"a":true}]}""",
            (Payload with { ExtraClaims = Encoding.UTF8.GetBytes("""{"tenant":"Zürich","n":[1,{"a":true}]}""") }).ToJson(),
            StringComparison.Ordinal);

    [Fact]
    public void Any_text_comes_through_JSON_unchanged() =>
        Gen.Select(Gen.String, Gen.String).Where((a, b) => !(a + b).Any(char.IsSurrogate)).Sample((issuer, audience) =>
        {
            var json = JsonNode.Parse((Payload with { Issuer = issuer, Audiences = [audience, "x"] }).ToJson())!;

            Assert.Equal(issuer, json["iss"]!.GetValue<string>());
            Assert.Equal(audience, json["aud"]![0]!.GetValue<string>());
        });

    [Fact]
    public void Every_claim_that_the_server_writes_is_reserved()
    {
        Assert.All(JsonNode.Parse(Payload.ToJson())!.AsObject(), claim => Assert.True(AccessTokenPayload.ReservedClaims.Contains(claim.Key), claim.Key));
        Assert.All((string[])["nbf", "cnf", "act", "may_act"], name => Assert.True(AccessTokenPayload.ReservedClaims.Contains(name), name));
    }
}
