using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace AuthCluster.Client.Clients;

/// <summary>
/// The authorization server as one registered client sees it: finds the endpoints, authenticates, and picks up a rotated secret without a restart.
/// </summary>
/// <remarks>
/// Everything of this package that speaks to the server goes through here: tokens, introspection and the revocation feed.
/// The secret is read for each request; when the server refuses it, it is read once more, and the request repeated if it
/// has changed in between.
/// </remarks>
internal sealed partial class AuthorizationServer(
    string name, IHttpClientFactory http, IOptionsMonitor<AuthClusterTokenOptions> options, TimeProvider clock, ILogger<AuthorizationServer> logger) : IDisposable
{
    private readonly RequestSender _sender = new(HttpClientName(name), http, clock);
    private readonly CancellationTokenSource _stopping = new();
    private IssuerMetadata? _metadata;

    /// <summary>The name of the HttpClient, also the one that its telemetry carries.</summary>
    public static string HttpClientName(string name) => name.Length == 0 ? "authcluster" : $"authcluster:{name}";

    /// <summary>The present options.</summary>
    /// <exception cref="AuthClusterException">The options are not usable.</exception>
    public AuthClusterTokenOptions Options
    {
        get
        {
            try
            {
                return options.Get(name);
            }
            catch (OptionsValidationException e)
            {
                throw new AuthClusterException(AuthClusterError.Misconfigured, $"The options of the client '{name}' can't work: {string.Join(' ', e.Failures)}");
            }
            catch (Exception e) when (e is not AuthClusterException) // binding a value of the wrong form, or the application's own code
            {
                throw new AuthClusterException(AuthClusterError.Misconfigured, $"The options of the client '{name}' can't be read.", innerException: e);
            }
        }
    }

    public async ValueTask<Uri> TokenEndpointAsync(CancellationToken cancellationToken)
    {
        var current = Options;
        return current.TokenEndpoint is { Length: > 0 } given
            ? new Uri(given)
            : await MetadataOf(current).EndpointAsync(metadata => metadata.TokenEndpoint, "token_endpoint", current, cancellationToken);
    }

    public ValueTask<Uri> IntrospectionEndpointAsync(CancellationToken cancellationToken)
    {
        var current = Options;
        return MetadataOf(current).EndpointAsync(metadata => metadata.IntrospectionEndpoint, "introspection_endpoint", current, cancellationToken);
    }

    /// <summary>The revocation feed, which no metadata member names: below the issuer.</summary>
    public Uri RevocationFeed() => Options.Issuer is { Length: > 0 } issuer
        ? new Uri(issuer.TrimEnd('/') + "/oauth/revocations")
        : throw new AuthClusterException(AuthClusterError.Misconfigured, "The revocation feed needs the option Issuer.");

    /// <summary>Runs a call within one time limit, and turns every failure into an <see cref="AuthClusterException"/>.</summary>
    public Task<T> WithinAsync<T>(RequestBudget budget, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        _sender.WithinAsync(budget, call, cancellationToken);

    /// <summary>Posts a form as this client and answers the response, whatever its status.</summary>
    /// <exception cref="AuthClusterException">There was no response.</exception>
    public Task<AuthenticatedResponse> PostFormAsync(Uri address, IReadOnlyCollection<KeyValuePair<string, string>> form, RequestBudget budget, CancellationToken cancellationToken) =>
        SendAsync((current, secret) => NewPost(address, form, current, secret), budget, cancellationToken);

    /// <summary>Gets a document as this client and answers the response, whatever its status.</summary>
    /// <exception cref="AuthClusterException">There was no response.</exception>
    public Task<AuthenticatedResponse> GetAsync(Uri address, RequestBudget budget, CancellationToken cancellationToken) =>
        SendAsync((current, secret) => NewGet(address, current, secret), budget, cancellationToken);

    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private async Task<AuthenticatedResponse> SendAsync(Func<AuthClusterTokenOptions, string, HttpRequestMessage> create, RequestBudget budget, CancellationToken cancellationToken)
    {
        var (current, secret) = await CredentialsAsync(cancellationToken);
        var response = await _sender.SendAsync(() => create(current, secret), budget, cancellationToken);
        if (response.StatusCode != HttpStatusCode.Unauthorized)
            return new AuthenticatedResponse(response, secret);

        var (latest, latestSecret) = await CredentialsAsync(cancellationToken);
        if (latestSecret == secret && latest.ClientId == current.ClientId)
            return new AuthenticatedResponse(response, secret);

        response.Dispose();
        LogSecretRotated();
        return new AuthenticatedResponse(await _sender.SendAsync(() => create(latest, latestSecret), budget, cancellationToken), latestSecret);
    }

    private async ValueTask<(AuthClusterTokenOptions Options, string Secret)> CredentialsAsync(CancellationToken cancellationToken)
    {
        var current = Options;
        return (current, await ClientSecret.ReadAsync(current, cancellationToken));
    }

    private static HttpRequestMessage NewPost(Uri address, IReadOnlyCollection<KeyValuePair<string, string>> form, AuthClusterTokenOptions current, string secret)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, address);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (current.Authentication == ClientAuthentication.Basic)
        {
            request.Headers.Authorization = Basic(current, secret);
            request.Content = new FormUrlEncodedContent(form);
        }
        else
        {
            request.Content = new FormUrlEncodedContent([.. form, new("client_id", current.ClientId ?? ""), new("client_secret", secret)]);
        }

        return request;
    }

    private static HttpRequestMessage NewGet(Uri address, AuthClusterTokenOptions current, string secret)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Headers.Authorization = Basic(current, secret);
        return request;
    }

    /// <summary>Form-encoded before base64 (RFC 6749 §2.3.1): a secret may hold a colon or a percent sign.</summary>
    private static AuthenticationHeaderValue Basic(AuthClusterTokenOptions current, string secret) =>
        new("Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes($"{Uri.EscapeDataString(current.ClientId ?? "")}:{Uri.EscapeDataString(secret)}")));

    /// <summary>The metadata of the configured issuer; those of another are dropped when the configuration has changed.</summary>
    private IssuerMetadata MetadataOf(AuthClusterTokenOptions current)
    {
        if (current.Issuer is not { Length: > 0 } issuer)
            throw new AuthClusterException(AuthClusterError.Misconfigured, "The option Issuer is missing: the server's metadata is needed here.");
        var known = Volatile.Read(ref _metadata);
        if (known?.Issuer == issuer)
            return known;
        var fresh = new IssuerMetadata(issuer, _sender, clock, logger, _stopping.Token);
        return Interlocked.CompareExchange(ref _metadata, fresh, known) is { } other && other != known ? other : fresh;
    }

    [LoggerMessage(1080, LogLevel.Information, "The client secret has changed since it was refused; trying once more with the present one")]
    private partial void LogSecretRotated();
}

/// <summary>A response with the secret that was sent for it, so that no message made from the response repeats the secret.</summary>
internal sealed class AuthenticatedResponse(HttpResponseMessage message, string secret) : IDisposable
{
    public HttpResponseMessage Message => message;

    /// <summary>What an answer that is not a success says.</summary>
    public Task<AuthClusterException> ReadErrorAsync(TimeProvider clock, CancellationToken cancellationToken) =>
        ErrorResponse.ReadAsync(message, secret, clock, cancellationToken);

    public void Dispose() => message.Dispose();
}
