using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Polly.Timeout;

namespace AuthCluster.Client.Clients;

/// <summary>
/// The authorization server as one registered client sees it: finds the endpoints, authenticates, and takes a rotated
/// secret up without a restart.
/// </summary>
/// <remarks>
/// Everything of this package that speaks to the server goes through here: tokens, introspection and the revocation feed.
/// The secret is read for each request; when the server refuses it, it is read once more, and the request repeated if it
/// has changed in between.
/// </remarks>
internal sealed partial class AuthorizationServer(
    string name, IHttpClientFactory http, IOptionsMonitor<AuthClusterTokenOptions> options, TimeProvider clock, ILogger<AuthorizationServer> logger) : IDisposable
{
    private static readonly TimeSpan MetadataAge = TimeSpan.FromHours(1);
    private static readonly TimeSpan StaleMetadataAge = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _metadataGate = new(1);
    private KnownMetadata? _metadata;

    /// <summary>The name of the HttpClient, also the one that its telemetry carries.</summary>
    public static string HttpClientName(string name) => name.Length == 0 ? "authcluster" : $"authcluster:{name}";

    /// <summary>The present options.</summary>
    /// <exception cref="AuthClusterException">They can't work.</exception>
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
        }
    }

    public async ValueTask<Uri> TokenEndpointAsync(CancellationToken cancellationToken)
    {
        var current = Options;
        return current.TokenEndpoint is { Length: > 0 } given
            ? new Uri(given)
            : Endpoint(current, (await MetadataAsync(current, cancellationToken)).TokenEndpoint, "token_endpoint");
    }

    public async ValueTask<Uri> IntrospectionEndpointAsync(CancellationToken cancellationToken)
    {
        var current = Options;
        return Endpoint(current, (await MetadataAsync(current, cancellationToken)).IntrospectionEndpoint, "introspection_endpoint");
    }

    /// <summary>The revocation feed, which no metadata member names: below the issuer.</summary>
    public Uri RevocationFeed() => Options.Issuer is { Length: > 0 } issuer
        ? new Uri(issuer.TrimEnd('/') + "/oauth/revocations")
        : throw new AuthClusterException(AuthClusterError.Misconfigured, "The revocation feed needs the option Issuer.");

    /// <summary>Posts a form as this client and answers the response, whatever its status.</summary>
    /// <exception cref="AuthClusterException">There was no response.</exception>
    public Task<AuthenticatedResponse> PostFormAsync(Uri address, IReadOnlyCollection<KeyValuePair<string, string>> form, RequestBudget? budget, CancellationToken cancellationToken) =>
        SendAsync((current, secret) => NewPost(address, form, current, secret), budget, cancellationToken);

    /// <summary>Gets a document as this client and answers the response, whatever its status.</summary>
    /// <exception cref="AuthClusterException">There was no response.</exception>
    public Task<AuthenticatedResponse> GetAsync(Uri address, RequestBudget? budget, CancellationToken cancellationToken) =>
        SendAsync((current, secret) => NewGet(address, current, secret), budget, cancellationToken);

    public void Dispose() => _metadataGate.Dispose();

    private async Task<AuthenticatedResponse> SendAsync(Func<AuthClusterTokenOptions, string, HttpRequestMessage> create, RequestBudget? budget, CancellationToken cancellationToken)
    {
        var (current, secret) = await CredentialsAsync(cancellationToken);
        var response = await SendOnceAsync(create(current, secret), budget ?? RequestBudget.Of(current), cancellationToken);
        if (response.StatusCode != HttpStatusCode.Unauthorized)
            return new AuthenticatedResponse(response, secret);

        var (latest, latestSecret) = await CredentialsAsync(cancellationToken);
        if (latestSecret == secret && latest.ClientId == current.ClientId)
            return new AuthenticatedResponse(response, secret);

        response.Dispose();
        LogSecretRotated();
        return new AuthenticatedResponse(await SendOnceAsync(create(latest, latestSecret), budget ?? RequestBudget.Of(latest), cancellationToken), latestSecret);
    }

    private async ValueTask<(AuthClusterTokenOptions Options, string Secret)> CredentialsAsync(CancellationToken cancellationToken)
    {
        var current = Options;
        return (current, await ClientSecret.ReadAsync(current, cancellationToken));
    }

    private async Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, RequestBudget budget, CancellationToken cancellationToken)
    {
        budget.AttachTo(request);
        using var client = http.CreateClient(HttpClientName(name));
        try
        {
            using (request)
                return await client.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw new AuthClusterException(AuthClusterError.Unreachable, $"{request.RequestUri?.GetLeftPart(UriPartial.Path)} could not be reached ({e.HttpRequestError}).", innerException: e);
        }
        catch (TimeoutRejectedException e)
        {
            throw new AuthClusterException(AuthClusterError.TimedOut, $"{request.RequestUri?.GetLeftPart(UriPartial.Path)} did not answer in time.", innerException: e);
        }
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

    private static Uri Endpoint(AuthClusterTokenOptions current, string? address, string member) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && ServerAddress.MayCarrySecrets(uri, current.AllowPlainHttp)
            ? uri
            : throw new AuthClusterException(AuthClusterError.UnexpectedAnswer, $"The metadata of {current.Issuer} has no {member} that may be used.");

    private async ValueTask<ServerMetadata> MetadataAsync(AuthClusterTokenOptions current, CancellationToken cancellationToken)
    {
        if (Known(current) is { } fresh && clock.GetElapsedTime(fresh.ReadAt) < fresh.Lasts)
            return fresh.Document;

        await _metadataGate.WaitAsync(cancellationToken);
        try
        {
            var known = Known(current);
            if (known is not null && clock.GetElapsedTime(known.ReadAt) < known.Lasts)
                return known.Document;

            var readAt = clock.GetTimestamp();
            try
            {
                var document = await FetchMetadataAsync(current, cancellationToken);
                _metadata = new KnownMetadata(document, readAt, MetadataAge);
                return document;
            }
            catch (AuthClusterException e) when (known is not null)
            {
                LogMetadataStale(e.Error);
                // Those who wait behind this one, and the next, go on with the last at once.
                _metadata = known with { ReadAt = clock.GetTimestamp(), Lasts = StaleMetadataAge };
                return known.Document;
            }
        }
        finally
        {
            _metadataGate.Release();
        }
    }

    private KnownMetadata? Known(AuthClusterTokenOptions current) => Volatile.Read(ref _metadata) is { } known && known.Document.Issuer == current.Issuer ? known : null;

    private async Task<ServerMetadata> FetchMetadataAsync(AuthClusterTokenOptions current, CancellationToken cancellationToken)
    {
        if (current.Issuer is not { Length: > 0 } issuer)
            throw new AuthClusterException(AuthClusterError.Misconfigured, "The option Issuer is missing: the server's metadata is needed here.");

        using var request = new HttpRequestMessage(HttpMethod.Get, ServerAddress.MetadataOf(issuer));
        using var response = await SendOnceAsync(request, RequestBudget.Of(current), cancellationToken);
        if (!response.IsSuccessStatusCode)
            throw await ErrorResponse.ReadAsync(response, secret: "\0", clock, cancellationToken);

        try
        {
            var document = JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(cancellationToken), ClientJson.Default.ServerMetadata);
            // RFC 8414 §3.3: a document of another issuer must not be used; it could name any token endpoint.
            return document?.Issuer == issuer
                ? document
                : throw new AuthClusterException(AuthClusterError.Misconfigured, $"The metadata at {request.RequestUri} is of another issuer than the configured {issuer}.");
        }
        catch (JsonException e)
        {
            throw new AuthClusterException(AuthClusterError.UnexpectedAnswer, $"The metadata at {request.RequestUri} is not JSON.", innerException: e);
        }
    }

    [LoggerMessage(1080, LogLevel.Information, "The client secret has changed since it was refused; trying once more with the present one")]
    private partial void LogSecretRotated();

    [LoggerMessage(1081, LogLevel.Warning, "The authorization server's metadata can't be read anew ({Error}); going on with the last")]
    private partial void LogMetadataStale(AuthClusterError error);

    private sealed record KnownMetadata(ServerMetadata Document, long ReadAt, TimeSpan Lasts);
}

/// <summary>A response, and the secret that was sent for it, so that nothing made from the response repeats it.</summary>
internal sealed class AuthenticatedResponse(HttpResponseMessage message, string secret) : IDisposable
{
    public HttpResponseMessage Message => message;

    /// <summary>What an answer that is not a success says.</summary>
    public Task<AuthClusterException> ReadErrorAsync(TimeProvider clock, CancellationToken cancellationToken) =>
        ErrorResponse.ReadAsync(message, secret, clock, cancellationToken);

    public void Dispose() => message.Dispose();
}
