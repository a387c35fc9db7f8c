using System.Text.Json;
using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Tokens;

/// <summary>RFC 8707, and the parameter <c>audience</c> that other servers' callers send: whom a token is for.</summary>
public sealed class TargetTests(SharedServer server) : IDisposable
{
    private const string One = "https://one.example/api";
    private const string Two = "https://two.example/api?v=2";

    private readonly TokenEndpointCaller _caller = server.NewCaller();

    [Fact]
    public async Task A_client_without_audiences_gets_a_token_for_the_issuer()
    {
        var answer = await _caller.PostAsync(PreparedClients.Usual);

        Assert.Equal(server.Issuer, answer.Claims.GetProperty("aud").GetString());
    }

    [Fact]
    public async Task A_request_without_a_target_gets_a_token_for_all_audiences_of_the_client() =>
        Assert.Equal([One, Two, "inventory"], await AudiencesAsync(""));

    [Theory]
    [InlineData("&resource=" + One, One)]
    [InlineData("&resource=https%3A%2F%2Ftwo.example%2Fapi%3Fv%3D2", Two)]
    [InlineData("&audience=inventory", "inventory")]
    [InlineData("&audience=" + One, One)]
    [InlineData("&resource=" + One + "&resource=" + One, One)]
    [InlineData("&resource=" + One + "&audience=" + One, One)]
    [InlineData("&resource=&audience=inventory", "inventory")]
    public async Task One_chosen_audience_is_a_string_in_the_token(string wish, string audience)
    {
        var answer = await _caller.PostAsync(PreparedClients.WithAudiences, wish);

        Expect.Granted(answer);
        Assert.Equal(audience, answer.Claims.GetProperty("aud").GetString());
    }

    [Theory]
    [InlineData("&resource=" + One + "&audience=inventory")]
    [InlineData("&audience=inventory&audience=" + One)]
    [InlineData("&audience=inventory+" + One)]
    [InlineData("&audience=inventory%20" + One)]
    public async Task Several_chosen_audiences_are_a_list_in_the_token(string wish) =>
        Assert.Equal([One, "inventory"], (await AudiencesAsync(wish)).Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("&resource=https://three.example/api")]
    [InlineData("&resource=" + One + "/")]
    [InlineData("&resource=" + One + "%23fragment")]
    [InlineData("&resource=" + One + "%23")]
    [InlineData("&resource=inventory")]
    [InlineData("&resource=/api")]
    [InlineData("&resource=%20")]
    [InlineData("&audience=unknown")]
    [InlineData("&audience=INVENTORY")]
    [InlineData("&audience=inventory+unknown")]
    [InlineData("&resource=" + One + "&resource=https://three.example/api")]
    public async Task An_audience_that_the_client_may_not_have_is_an_invalid_target(string wish) =>
        Expect.Refused(400, "invalid_target", await _caller.PostAsync(PreparedClients.WithAudiences, wish));

    [Fact]
    public async Task The_default_audience_may_be_named()
    {
        var answer = await _caller.PostAsync(PreparedClients.Usual, "&resource=" + Uri.EscapeDataString(server.Issuer));

        Expect.Granted(answer);
        Assert.Equal(server.Issuer, answer.Claims.GetProperty("aud").GetString());
    }

    [Fact]
    public async Task A_request_for_a_scope_of_this_server_gets_a_token_for_the_issuer_alone()
    {
        var ours = await _caller.PostAsync(PreparedClients.Operator, "&scope=authcluster:read");
        var theirs = await _caller.PostAsync(PreparedClients.Operator, "&scope=read");

        Assert.Equal(server.Issuer, ours.Claims.GetProperty("aud").GetString());
        Assert.Equal("inventory", theirs.Claims.GetProperty("aud").GetString());
    }

    [Fact]
    public async Task A_wrong_secret_comes_before_a_wrong_target() =>
        Expect.Refused(401, "invalid_client", await _caller.PostAsync(PreparedClients.WithAudiences with { Secret = PreparedClients.Other.Secret }, "&audience=unknown"));

    private async Task<IEnumerable<string?>> AudiencesAsync(string wish)
    {
        var answer = await _caller.PostAsync(PreparedClients.WithAudiences, wish);
        Expect.Granted(answer);
        var audience = answer.Claims.GetProperty("aud");
        Assert.Equal(JsonValueKind.Array, audience.ValueKind);
        return audience.EnumerateArray().Select(item => item.GetString());
    }

    public void Dispose() => _caller.Dispose();
}
