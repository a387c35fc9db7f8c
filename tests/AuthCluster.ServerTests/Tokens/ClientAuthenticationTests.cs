using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Tokens;

/// <summary>RFC 6749 §2.3.1 and §5.2: how a client says who it is.</summary>
public sealed class ClientAuthenticationTests(SharedServer server) : IDisposable
{
    private const string Grant = "grant_type=client_credentials";

    private static readonly TestClient Client = PreparedClients.Usual;
    private static readonly string InBody = $"{Grant}&client_id={Client.Id}&client_secret={Client.Secret}";
    private readonly TokenEndpointCaller _caller = server.NewCaller();

    [Fact]
    public async Task Credentials_in_the_body_are_accepted() => Expect.Granted(await _caller.PostAsync(Client));

    [Fact]
    public async Task Credentials_in_a_Basic_header_are_accepted() => Expect.Granted(await _caller.BasicAsync(Client));

    [Theory]
    [InlineData("basic")]
    [InlineData("BASIC")]
    public async Task The_name_of_the_Basic_scheme_is_read_in_any_case(string scheme)
    {
        var header = TokenEndpointCaller.BasicHeader(Client).Replace("Basic", scheme, StringComparison.Ordinal);

        Expect.Granted(await _caller.SendAsync(Grant, header));
    }

    [Fact]
    public async Task A_secret_full_of_reserved_characters_survives_Basic_when_it_is_form_encoded() =>
        Expect.Granted(await _caller.BasicAsync(PreparedClients.Given));

    [Fact]
    public async Task A_plus_sign_in_a_Basic_secret_means_a_space()
    {
        var encoded = Uri.EscapeDataString(PreparedClients.Given.Secret).Replace("%20", "+", StringComparison.Ordinal);

        Expect.Granted(await _caller.SendAsync(Grant, TokenEndpointCaller.Basic($"{PreparedClients.Given.Id}:{encoded}")));
    }

    [Fact]
    public async Task A_secret_put_raw_into_Basic_is_another_secret_once_it_is_decoded()
    {
        var raw = TokenEndpointCaller.Basic($"{PreparedClients.Given.Id}:{PreparedClients.Given.Secret}");

        Expect.Refused(401, "invalid_client", await _caller.SendAsync(Grant, raw));
    }

    [Fact]
    public async Task A_secret_full_of_reserved_characters_survives_the_body() =>
        Expect.Granted(await _caller.PostAsync(PreparedClients.Given));

    public static TheoryData<string> BadAuthorizations { get; } =
    [
        "Bearer abc",
        "Digest username=\"usual\"",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic dXN1YWw",
        TokenEndpointCaller.Basic("no-colon"),
        TokenEndpointCaller.Basic(":no-id"),
        TokenEndpointCaller.Basic("usual:"),
        TokenEndpointCaller.Basic($"%zz:{Client.Secret}"),
        TokenEndpointCaller.Basic($"{Client.Id}:%f"),
        TokenEndpointCaller.Basic($"{Client.Id}:%ff%fe"),
        TokenEndpointCaller.Basic($"{Client.Id}\0:{Client.Secret}"),
        TokenEndpointCaller.Basic($"{Client.Id}:{Client.Secret}") + " trailing",
        "nonsense",
    ];

    [Theory]
    [MemberData(nameof(BadAuthorizations))]
    public async Task An_Authorization_header_that_is_not_valid_Basic_is_an_invalid_client(string authorization) =>
        Expect.Refused(401, "invalid_client", await _caller.SendAsync(Grant, authorization));

    [Fact]
    public async Task No_credentials_at_all_are_an_invalid_client() =>
        Expect.Refused(401, "invalid_client", await _caller.SendAsync(Grant));

    [Theory]
    [InlineData("&client_id=usual")]
    [InlineData("&client_id=usual&client_secret=")]
    [InlineData("&client_id=&client_secret=abc")]
    public async Task Half_of_the_credentials_is_an_invalid_client(string half) =>
        Expect.Refused(401, "invalid_client", await _caller.SendAsync(Grant + half));

    [Fact]
    public async Task Client_ids_are_case_sensitive() =>
        Expect.Refused(401, "invalid_client", await _caller.PostAsync(Client with { Id = "USUAL" }));

    [Fact]
    public async Task Basic_and_a_secret_in_the_body_are_two_methods_even_when_they_agree() =>
        Expect.Refused(400, "invalid_request", await _caller.SendAsync(InBody, TokenEndpointCaller.BasicHeader(Client)));

    [Fact]
    public async Task Basic_and_an_assertion_are_two_methods() =>
        Expect.Refused(400, "invalid_request", await _caller.SendAsync(
            $"{Grant}&client_assertion=a.b.c&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
            TokenEndpointCaller.BasicHeader(Client)));

    [Fact]
    public async Task A_secret_and_an_assertion_in_the_body_are_two_methods() =>
        Expect.Refused(400, "invalid_request", await _caller.SendAsync(
            $"{InBody}&client_assertion=a.b.c&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"));

    [Fact]
    public async Task Basic_with_the_same_client_id_in_the_body_is_one_method() =>
        Expect.Granted(await _caller.SendAsync($"{Grant}&client_id={Client.Id}", TokenEndpointCaller.BasicHeader(Client)));

    [Fact]
    public async Task Basic_with_another_client_id_in_the_body_is_a_bad_request() =>
        Expect.Refused(400, "invalid_request", await _caller.SendAsync($"{Grant}&client_id=other", TokenEndpointCaller.BasicHeader(Client)));

    [Fact]
    public async Task Two_Authorization_headers_are_a_bad_request()
    {
        var header = "Authorization: " + TokenEndpointCaller.BasicHeader(Client);

        var answer = await RawConnection.ExchangeAsync(server.Address, RawConnection.TokenRequest(Grant, header, header));

        Assert.Equal(400, answer.Status);
        Assert.Contains("\"invalid_request\"", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_registered_for_Basic_alone_cannot_use_the_body()
    {
        Expect.Granted(await _caller.BasicAsync(PreparedClients.BasicOnly));
        Expect.Refused(401, "invalid_client", await _caller.PostAsync(PreparedClients.BasicOnly));
    }

    [Fact]
    public async Task A_client_registered_for_the_body_alone_cannot_use_Basic()
    {
        Expect.Granted(await _caller.PostAsync(PreparedClients.PostOnly));
        Expect.Refused(401, "invalid_client", await _caller.BasicAsync(PreparedClients.PostOnly));
    }

    [Theory]
    [InlineData("client_secret=x")]
    [InlineData("client_id=usual&client_secret=x")]
    [InlineData("client_id=usual")]
    [InlineData("client_assertion=x")]
    public async Task Credentials_in_the_query_string_are_a_bad_request(string query)
    {
        using var body = new StringContent(InBody, new System.Net.Http.Headers.MediaTypeHeaderValue("application/x-www-form-urlencoded"));

        using var response = await _caller.Http.PostAsync($"/oauth/token?{query}", body, TestContext.Current.CancellationToken);

        Expect.Refused(400, "invalid_request", await TokenAnswer.ReadAsync(response, TestContext.Current.CancellationToken));
    }

    public void Dispose() => _caller.Dispose();
}
