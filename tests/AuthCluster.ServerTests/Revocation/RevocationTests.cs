using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Revocation;

/// <summary>RFC 7009: a client ends one of its own tokens.</summary>
/// <remarks>
/// <c>unsupported_token_type</c> (section 2.2.1) can't arise: the server issues access tokens alone, and a hint that names
/// another type is ignored (section 2.1).
/// </remarks>
public sealed class RevocationTests(SharedServer server) : IDisposable
{
    private readonly OAuthCaller _caller = new(server.Address);

    [Fact]
    public async Task A_revoked_token_is_inactive_as_soon_as_the_call_has_answered_and_its_twin_is_not()
    {
        var token = (await server.TokenAsync(PreparedClients.Usual)).Token;
        var twin = (await server.TokenAsync(PreparedClients.Usual)).Token;

        var answer = await _caller.RevokeAsync(PreparedClients.Usual, token);

        Assert.Equal((200, ""), (answer.Status, answer.Body));
        Assert.Equal("no-store", answer.Header("Cache-Control"));
        Assert.Equal("""{"active":false}""", (await _caller.IntrospectAsync(PreparedClients.Usual, token)).Body);
        Assert.True(await _caller.IsActiveAsync(PreparedClients.Usual, twin));
        Assert.Equal(200, (await _caller.RevokeAsync(PreparedClients.Usual, token)).Status);
    }

    [Fact]
    public async Task A_token_of_another_client_is_refused_and_stays_active()
    {
        var token = (await server.TokenAsync(PreparedClients.Usual)).Token;

        Expect.Refused(400, "unauthorized_client", await _caller.RevokeAsync(PreparedClients.Other, token));
        Expect.Refused(400, "unauthorized_client", await _caller.RevokeAsync(PreparedClients.Inspector, token));

        Assert.True(await _caller.IsActiveAsync(PreparedClients.Usual, token));
    }

    [Theory]
    [InlineData("unknown")]
    [InlineData("a.b.c")]
    [InlineData("eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJub25lIn0.e30.")]
    public async Task Revoking_a_text_that_is_no_token_succeeds(string token) =>
        Assert.Equal(200, (await _caller.RevokeAsync(PreparedClients.Usual, token)).Status);

    [Theory]
    [InlineData("&token_type_hint=refresh_token")]
    [InlineData("&token_type_hint=nonsense")]
    public async Task A_wrong_hint_is_ignored(string hint)
    {
        var token = (await server.TokenAsync(PreparedClients.Usual)).Token;

        Assert.Equal(200, (await _caller.RevokeAsync(PreparedClients.Usual, token, hint)).Status);

        Assert.False(await _caller.IsActiveAsync(PreparedClients.Usual, token));
    }

    [Fact]
    public async Task A_revoked_token_is_not_reused()
    {
        var first = (await server.TokenAsync(PreparedClients.Reusing)).Token;
        Assert.Equal(first, (await server.TokenAsync(PreparedClients.Reusing)).Token);

        Assert.Equal(200, (await _caller.RevokeAsync(PreparedClients.Reusing, first)).Status);
        var next = (await server.TokenAsync(PreparedClients.Reusing)).Token;

        Assert.NotEqual(first, next);
        Assert.True(await _caller.IsActiveAsync(PreparedClients.Reusing, next));
        Assert.Equal(next, (await server.TokenAsync(PreparedClients.Reusing)).Token);
    }

    public void Dispose() => _caller.Dispose();
}
