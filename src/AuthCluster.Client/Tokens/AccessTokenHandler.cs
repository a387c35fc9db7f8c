using System.Net.Http.Headers;
using AuthCluster.Client.Clients;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Client.Tokens;

/// <summary>
/// Puts an access token on each request (RFC 6750 §2.1). When the API answers 401 <c>invalid_token</c>, drops it, and
/// sends the request once more with a new one.
/// </summary>
internal sealed partial class AccessTokenHandler(IAccessTokenSource tokens, AccessTokenHandlerOptions options, ILogger<AccessTokenHandler> logger) : DelegatingHandler
{
    private readonly TokenTarget _target = new(options.Scope, options.Audience);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Headers.Authorization is not null || OwnRequest.Is(request)) // the caller's own, or a request for a token
            return await base.SendAsync(request, cancellationToken);
        RequireSecureAddress(request.RequestUri);

        var token = await tokens.GetTokenAsync(_target, cancellationToken);
        var canReplay = await RequestReplay.PrepareAsync(request.Content, options.MaxReplayBytes, cancellationToken);
        var (response, isRedirected) = await SendAsync(request, token, cancellationToken);
        // The target of a redirect got no token, so its refusal says nothing about ours.
        if (isRedirected || !BearerChallenge.IsInvalidToken(response) || !tokens.Invalidate(token) || !canReplay || await TryGetAnotherAsync(token, cancellationToken) is not { } another)
            return response;

        LogRefused();
        response.Dispose();
        return (await SendAsync(request, another, cancellationToken)).Response;
    }

    /// <summary>Not offered: waiting for a token would block a thread.</summary>
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Requests with an access token are sent by the asynchronous methods of HttpClient.");

    /// <summary>
    /// The token is on the request only while it is sent, so that an outer repeat gets the current one. A handler that follows redirects replaces
    /// the address; it is restored, or a repeat would send a token to a host that nobody chose.
    /// </summary>
    private async Task<(HttpResponseMessage Response, bool IsRedirected)> SendAsync(HttpRequestMessage request, AccessToken token, CancellationToken cancellationToken)
    {
        var address = request.RequestUri;
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Value);
        try
        {
            var response = await base.SendAsync(request, cancellationToken);
            return (response, request.RequestUri != address);
        }
        finally
        {
            request.Headers.Authorization = null;
            request.RequestUri = address;
        }
    }

    /// <summary>Gets a new token. Null when that fails: the caller then gets the API's refusal, which is more useful than our error.</summary>
    private async Task<AccessToken?> TryGetAnotherAsync(AccessToken refused, CancellationToken cancellationToken)
    {
        try
        {
            var another = await tokens.GetTokenAsync(_target, cancellationToken);
            return another.Value == refused.Value ? null : another;
        }
        catch (AuthClusterException e)
        {
            LogNoOther(e.Code);
            return null;
        }
    }

    private void RequireSecureAddress(Uri? address)
    {
        if (address is null || !ServerAddress.MayCarrySecrets(address, options.AllowPlainHttp))
            throw new AuthClusterException(AuthClusterError.Misconfigured, $"A token is not sent to {address?.GetLeftPart(UriPartial.Authority)}: plain http beyond this machine would show it to the network. Use https, or set AllowPlainHttp.");
    }

    [LoggerMessage(1085, LogLevel.Information, "The API refused the token; sending the request once more with a new one")]
    private partial void LogRefused();

    [LoggerMessage(1086, LogLevel.Warning, "The API refused the token and no other is to be had: {Error}")]
    private partial void LogNoOther(string error);
}
