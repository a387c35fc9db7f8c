using System.Net.Http.Headers;
using System.Text;
using AuthCluster.ServerTests.Session;
using AuthCluster.TestKit.OAuth;

namespace AuthCluster.ServerTests.Tokens;

/// <summary>RFC 6749 §3.2 and §4.4.2, appendix B: the form of a token request.</summary>
public sealed class TokenFormTests(SharedServer server) : IDisposable
{
    private static readonly TestClient Client = PreparedClients.Usual;
    private static readonly string Credentials = $"client_id={Client.Id}&client_secret={Client.Secret}";
    private static readonly string Good = $"grant_type=client_credentials&{Credentials}";
    private readonly TokenEndpointCaller _caller = server.NewCaller();

    [Theory]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/x-www-form-urlencoded; charset=UTF-8")]
    [InlineData("application/x-www-form-urlencoded;charset=utf-8")]
    [InlineData("Application/X-WWW-Form-Urlencoded")]
    public async Task The_media_type_is_read_in_any_case_and_with_a_charset(string mediaType) =>
        Expect.Granted(await _caller.SendAsync(Content(Good, mediaType)));

    [Theory]
    [InlineData("application/json")]
    [InlineData("text/plain")]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData("application/x-www-form-urlencoded-not")]
    [InlineData(null)]
    public async Task Another_media_type_is_a_bad_request(string? mediaType) =>
        Expect.Refused(400, "invalid_request", await _caller.SendAsync(Content(Good, mediaType)));

    [Fact]
    public async Task A_JSON_body_is_a_bad_request() =>
        Expect.Refused(400, "invalid_request", await _caller.SendAsync(Content(
            $$"""{"grant_type":"client_credentials","client_id":"{{Client.Id}}","client_secret":"{{Client.Secret}}"}""", "application/json")));

    public static TheoryData<string> BadForms { get; } =
    [
        "",
        Credentials,
        $"grant_type=&{Credentials}",
        $"grant_type&{Credentials}",
        $"grant_type=client_credentials&{Good}",
        $"{Good}&client_id={Client.Id}",
        $"{Good}&client_secret={Client.Secret}",
        $"{Good}&scope=read&scope=write",
        $"{Good}&scope=read&scope=read",
        $"{Good}&%73cope=read&scope=write",
        $"{Good}&scope=%",
        $"{Good}&scope=%2",
        $"{Good}&scope=%zz",
        $"{Good}&unknown=%zz",
        $"{Good}&%zz=unknown",
    ];

    [Theory]
    [MemberData(nameof(BadForms))]
    public async Task A_form_that_breaks_the_rules_is_a_bad_request(string form) =>
        Expect.Refused(400, "invalid_request", await _caller.SendAsync(form));

    [Theory]
    [InlineData("&unknown=1")]
    [InlineData("&unknown=1&unknown=2")]
    [InlineData("&unknown")]
    [InlineData("&=x")]
    [InlineData("&&")]
    [InlineData("&scope=")]
    [InlineData("&scope")]
    [InlineData("&resource=&audience=")]
    [InlineData("&client_assertion=&client_assertion_type=")]
    public async Task Unknown_parameters_are_ignored_and_empty_ones_count_as_absent(string more)
    {
        var answer = await _caller.SendAsync(Good + more);

        Expect.Granted(answer);
        Assert.Equal("read write reports:run", answer.Scope);
    }

    [Fact]
    public async Task An_empty_secret_in_the_body_beside_Basic_counts_as_absent() =>
        Expect.Granted(await _caller.SendAsync("grant_type=client_credentials&client_secret=", TokenEndpointCaller.BasicHeader(Client)));

    [Theory]
    [InlineData("password")]
    [InlineData("authorization_code")]
    [InlineData("refresh_token")]
    [InlineData("urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange")]
    [InlineData("Client_Credentials")]
    [InlineData("client_credentials%20")]
    public async Task A_request_for_an_unknown_grant_is_answered_with_unsupported_grant_type(string grant) =>
        Expect.Refused(400, "unsupported_grant_type", await _caller.SendAsync($"grant_type={grant}&{Credentials}"));

    [Fact]
    public async Task A_client_without_the_grant_is_unauthorized() =>
        Expect.Refused(400, "unauthorized_client", await _caller.PostAsync(PreparedClients.WithoutGrants));

    [Fact]
    public async Task A_wrong_secret_comes_before_the_missing_grant() =>
        Expect.Refused(401, "invalid_client", await _caller.PostAsync(PreparedClients.WithoutGrants with { Secret = Client.Secret }));

    [Fact]
    public async Task A_form_of_16_KiB_is_read_and_one_byte_more_is_too_large()
    {
        var filler = Good + "&filler=";
        var largest = filler + new string('x', 16_384 - filler.Length);

        Expect.Granted(await _caller.SendAsync(largest));
        Assert.Equal(413, (await _caller.SendAsync(largest + "x")).Status);
    }

    private static ByteArrayContent Content(string text, string? mediaType)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(text));
        content.Headers.ContentType = mediaType is null ? null : MediaTypeHeaderValue.Parse(mediaType);
        return content;
    }

    public void Dispose() => _caller.Dispose();
}
