using System.Net;
using System.Text.Json;
using AuthCluster.EndToEndTests.Session;
using AuthCluster.TestKit;
using AuthCluster.TestKit.OAuth;
using Duende.IdentityModel.Client;

namespace AuthCluster.EndToEndTests.Peers;

/// <summary>Clients that this project did not write get a token, and their libraries understand a refusal.</summary>
[Collection(OnSharedServer.Name)]
public sealed class StockClientTests(SharedServer server)
{
    private static readonly TestClient Client = PreparedClients.Usual;

    [Theory]
    [InlineData("axios.mjs", "post")]
    [InlineData("axios.mjs", "basic")]
    [InlineData("fetch.mjs", "post")]
    [InlineData("fetch.mjs", "basic")]
    [InlineData("openid-client.mjs", "post")]
    [InlineData("openid-client.mjs", "basic")]
    [InlineData("oauth4webapi.mjs", "post")]
    [InlineData("oauth4webapi.mjs", "basic")]
    public async Task A_Node_library_gets_a_token(string script, string method) =>
        Granted(await Scripts.NodeAsync(server, Client, script, method));

    [Theory]
    [InlineData("openid-client.mjs")]
    [InlineData("oauth4webapi.mjs")]
    public async Task A_Node_library_understands_a_refusal(string script)
    {
        var answer = await Scripts.NodeAsync(server, Client with { Secret = PreparedClients.Other.Secret }, script, "basic");

        Assert.Equal("invalid_client", answer.GetProperty("error").GetString());
    }

    [Theory]
    [InlineData("openid-client.mjs")]
    [InlineData("oauth4webapi.mjs")]
    public async Task A_Node_library_encodes_a_secret_full_of_reserved_characters_as_the_server_decodes_it(string script) =>
        Assert.Equal("read write", (await Scripts.NodeAsync(server, PreparedClients.Given, script, "basic")).GetProperty("scope").GetString());

    [Theory]
    [InlineData("jose.mjs")]
    [InlineData("oauth4webapi-validate.mjs")]
    public async Task A_Node_library_validates_the_token_from_the_metadata(string script)
    {
        var answer = await Scripts.NodeAsync(server, Client, script);

        Assert.Equal(Client.Id, answer.GetProperty("claims").GetProperty("client_id").GetString());
    }

    [Theory]
    [InlineData("python3-requests", "requests", "requests_post.py")]
    [InlineData("python3-requests", "requests", "requests_basic.py")]
    [InlineData("python3-requests-oauthlib", "requests_oauthlib", "requests_oauthlib_post.py")]
    [InlineData("python3-requests-oauthlib", "requests_oauthlib", "requests_oauthlib_basic.py")]
    [InlineData("python3-authlib", "authlib", "authlib_post.py")]
    [InlineData("python3-authlib", "authlib", "authlib_basic.py")]
    public async Task A_Python_library_gets_a_token(string package, string module, string script) =>
        Granted(await Scripts.PythonAsync(server, Client, package, module, script));

    [Fact]
    public async Task Authlib_validates_the_token_from_the_metadata()
    {
        var answer = await Scripts.PythonAsync(server, Client, "python3-authlib", "authlib", "authlib_validate.py");

        Assert.Equal(Client.Id, answer.GetProperty("claims").GetProperty("client_id").GetString());
    }

    [Fact]
    public async Task The_oauth2_package_of_Go_gets_a_token() =>
        Granted(await Scripts.GoAsync(server, Client, "clientcredentials.go"));

    [Theory]
    [InlineData("-d client_id=$CLIENT_ID -d client_secret=$CLIENT_SECRET")]
    [InlineData("-u $CLIENT_ID:$CLIENT_SECRET")]
    [InlineData("-u $CLIENT_ID:$CLIENT_SECRET -d client_id=$CLIENT_ID")]
    [InlineData("--http1.0 -u $CLIENT_ID:$CLIENT_SECRET")]
    [InlineData("-u $CLIENT_ID:$CLIENT_SECRET -H 'Transfer-Encoding: chunked'")]
    [InlineData("-u $CLIENT_ID:$CLIENT_SECRET -H 'Expect: 100-continue'")]
    [InlineData("--compressed -u $CLIENT_ID:$CLIENT_SECRET")]
    [InlineData("-u $CLIENT_ID:$CLIENT_SECRET -d 'scope=read write reports:run'")]
    [InlineData("-u $CLIENT_ID:$CLIENT_SECRET --data-urlencode 'scope=read write reports:run'")]
    public async Task Curl_gets_a_token(string options)
    {
        await RequiredTool.NeedAsync("curl", "curl", "--version");

        Granted(JsonElement.Parse(await Scripts.PrintedAsync(server, Client, "bash", "-c", $"curl -sS --fail-with-body $ISSUER/oauth/token -d grant_type=client_credentials {options}")));
    }

    [Theory]
    [InlineData(ClientCredentialStyle.PostBody)]
    [InlineData(ClientCredentialStyle.AuthorizationHeader)]
    public async Task Duende_IdentityModel_discovers_the_endpoint_and_gets_a_token(ClientCredentialStyle style)
    {
        using var http = new HttpClient();
        var discovery = new DiscoveryDocumentRequest { Address = server.Issuer };
        var metadata = await http.GetDiscoveryDocumentAsync(discovery, TestContext.Current.CancellationToken);
        Assert.False(metadata.IsError, metadata.Error);

        using var request = new ClientCredentialsTokenRequest
        {
            Address = metadata.TokenEndpoint,
            ClientId = PreparedClients.Given.Id,
            ClientSecret = PreparedClients.Given.Secret,
            ClientCredentialStyle = style,
            Scope = "read write",
        };
        var answer = await http.RequestClientCredentialsTokenAsync(request, TestContext.Current.CancellationToken);

        Assert.False(answer.IsError, answer.Error);
        Assert.Equal("read write", answer.Scope);
        Assert.InRange(answer.ExpiresIn, 3599, 3600);
        server.Sensitive.AddToken(answer.AccessToken!);
    }

    [Fact]
    public async Task Duende_IdentityModel_understands_a_refusal()
    {
        var wrongScope = await RefusedAsync(PreparedClients.Usual.Secret);
        var wrongSecret = await RefusedAsync(PreparedClients.Other.Secret);

        Assert.Equal("invalid_scope", wrongScope.Error);
        Assert.NotEmpty(wrongScope.ErrorDescription!);
        // The library treats a 401 as an HTTP failure and leaves the body to its caller.
        Assert.Equal(HttpStatusCode.Unauthorized, wrongSecret.HttpStatusCode);
        Assert.Equal("invalid_client", JsonElement.Parse(wrongSecret.Raw!).GetProperty("error").GetString());
    }

    private async Task<TokenResponse> RefusedAsync(string secret)
    {
        using var http = new HttpClient();
        using var request = new ClientCredentialsTokenRequest { Address = server.Issuer + "/oauth/token", ClientId = Client.Id, ClientSecret = secret, Scope = "everything" };
        var answer = await http.RequestClientCredentialsTokenAsync(request, TestContext.Current.CancellationToken);
        Assert.True(answer.IsError);
        return answer;
    }

    private static void Granted(JsonElement answer)
    {
        Assert.Equal("bearer", answer.GetProperty("token_type").GetString(), ignoreCase: true);
        Assert.StartsWith("eyJ", answer.GetProperty("access_token").GetString(), StringComparison.Ordinal);
        var scope = answer.GetProperty("scope");
        Assert.Equal("read write reports:run", scope.ValueKind == JsonValueKind.Array ? string.Join(' ', scope.EnumerateArray().Select(item => item.GetString())) : scope.GetString());
    }
}
