using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Tokens;

/// <summary>An outsider who lacks the right secret learns nothing about a client, not even that there is one.</summary>
public sealed class IndistinguishableRefusalTests(SharedServer server)
{
    private const string Grant = "grant_type=client_credentials";

    /// <summary>Headers that a 401 may have: none of them tells one request from another.</summary>
    private static readonly string[] Headers = ["Content-Type", "Content-Length", "Transfer-Encoding", "Date", "Cache-Control", "Pragma", "WWW-Authenticate", "Server"];

    public static TheoryData<string, TestClient> Refused { get; } = new()
    {
        { "an unknown client", new("nobody", PreparedClients.Usual.Secret) },
        { "an id that cannot be one", new("no such/id", PreparedClients.Usual.Secret) },
        { "a secret sent as the id", new(PreparedClients.Usual.Secret, PreparedClients.Usual.Secret) },
        { "a wrong secret of the generated form", PreparedClients.Usual with { Secret = GeneratedSecret.New() } },
        { "a wrong secret whose checksum is wrong", PreparedClients.Usual with { Secret = PreparedClients.Usual.Secret[..^1] + "x" } },
        { "a wrong secret of another form", PreparedClients.Usual with { Secret = "wrong" } },
        { "another client's secret", PreparedClients.Usual with { Secret = PreparedClients.Other.Secret } },
        { "a wrong secret for a chosen one", PreparedClients.Given with { Secret = "correct horse battery staple" } },
        { "a wrong secret for a client with a spent limit", PreparedClients.Limited with { Secret = GeneratedSecret.New() } },
        { "the right secret of a disabled client", PreparedClients.Disabled },
        { "a wrong secret of a disabled client", PreparedClients.Disabled with { Secret = GeneratedSecret.New() } },
        { "a secret that has ended", PreparedClients.RotatedOut },
        { "a secret that has not begun", PreparedClients.RotatingSoon },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Every_failed_authentication_is_answered_with_the_same_bytes(string why, TestClient client)
    {
        ArgumentNullException.ThrowIfNull(client);
        Assert.NotEmpty(why);
        var basic = await RawConnection.ExchangeAsync(server.Address, RawConnection.TokenRequest(Grant, "Authorization: " + TokenEndpointCaller.BasicHeader(client)));
        var post = await RawConnection.ExchangeAsync(server.Address, RawConnection.TokenRequest(
            $"{Grant}&client_id={Uri.EscapeDataString(client.Id)}&client_secret={Uri.EscapeDataString(client.Secret)}"));

        var unknown = await UnknownAsync();
        Assert.Equal(unknown.WithoutDate, basic.WithoutDate);
        Assert.Equal(unknown.WithoutDate, post.WithoutDate);
    }

    [Fact]
    public async Task A_method_that_the_client_is_not_registered_for_is_answered_with_the_same_bytes()
    {
        var basic = await RawConnection.ExchangeAsync(server.Address, RawConnection.TokenRequest(Grant, "Authorization: " + TokenEndpointCaller.BasicHeader(PreparedClients.PostOnly)));
        var post = await RawConnection.ExchangeAsync(server.Address, RawConnection.TokenRequest(
            $"{Grant}&client_id={PreparedClients.BasicOnly.Id}&client_secret={PreparedClients.BasicOnly.Secret}"));

        var unknown = await UnknownAsync();
        Assert.Equal(unknown.WithoutDate, basic.WithoutDate);
        Assert.Equal(unknown.WithoutDate, post.WithoutDate);
    }

    [Fact]
    public async Task The_answer_says_that_authentication_failed_and_carries_no_id()
    {
        var answer = await UnknownAsync();

        Assert.Equal(401, answer.Status);
        Assert.Equal("""{"error":"invalid_client","error_description":"Client authentication failed"}""", answer.Body);
        Assert.All(answer.HeaderLines, line => Assert.Contains(line.Split(':')[0], Headers));
        Assert.Equal("Basic realm=\"authcluster\"", answer.Header("WWW-Authenticate"));
        Assert.Equal("no-store", answer.Header("Cache-Control"));
        Assert.Equal("no-cache", answer.Header("Pragma"));
    }

    private Task<RawAnswer> UnknownAsync() =>
        RawConnection.ExchangeAsync(server.Address, RawConnection.TokenRequest($"{Grant}&client_id=nobody&client_secret={PreparedClients.Usual.Secret}"));
}
