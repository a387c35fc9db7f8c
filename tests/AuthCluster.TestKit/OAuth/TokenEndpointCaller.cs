using System.Net.Http.Headers;
using System.Text;
using Xunit;

namespace AuthCluster.TestKit.OAuth;

/// <summary>Sends token requests that are put together by hand, so that a test decides each byte of the form and of the Authorization header.</summary>
public sealed class TokenEndpointCaller(Uri server) : IDisposable
{
    /// <summary>The plain connection, for other paths.</summary>
    public HttpClient Http { get; } = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false }) { BaseAddress = server };

    /// <summary>Asks as <c>client_secret_post</c>; <paramref name="more"/> is appended to the form as it is.</summary>
    public Task<TokenAnswer> PostAsync(TestClient client, string more = "")
    {
        ArgumentNullException.ThrowIfNull(client);
        return SendAsync($"grant_type=client_credentials&client_id={Uri.EscapeDataString(client.Id)}&client_secret={Uri.EscapeDataString(client.Secret)}{more}");
    }

    /// <summary>Asks as <c>client_secret_basic</c>, form-encoded inside the base64 (RFC 6749 §2.3.1).</summary>
    public Task<TokenAnswer> BasicAsync(TestClient client, string more = "")
    {
        ArgumentNullException.ThrowIfNull(client);
        return SendAsync($"grant_type=client_credentials{more}", BasicHeader(client));
    }

    /// <summary>Sends a form as it is, with Authorization headers as they are.</summary>
    public Task<TokenAnswer> SendAsync(string form, params string[] authorization) =>
        SendAsync(new StringContent(form, Encoding.UTF8, new MediaTypeHeaderValue("application/x-www-form-urlencoded")), authorization);

    /// <summary>Sends any body.</summary>
    public async Task<TokenAnswer> SendAsync(HttpContent content, params string[] authorization)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/oauth/token") { Content = content };
        foreach (var value in authorization)
        {
            request.Headers.TryAddWithoutValidation("Authorization", value);
        }

        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        return await TokenAnswer.ReadAsync(response, TestContext.Current.CancellationToken);
    }

    /// <summary>The Authorization header of <c>client_secret_basic</c>.</summary>
    public static string BasicHeader(TestClient client)
    {
        ArgumentNullException.ThrowIfNull(client);
        return Basic($"{Uri.EscapeDataString(client.Id)}:{Uri.EscapeDataString(client.Secret)}");
    }

    /// <summary>A Basic header over any text.</summary>
    public static string Basic(string credentials) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials));

    /// <inheritdoc/>
    public void Dispose() => Http.Dispose();
}
