using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Requests;
using AuthCluster.Web.Http;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.OAuth;

/// <summary>One request to an OAuth endpoint: when it came, and what is known so far of who sent it.</summary>
/// <param name="context">The request and its response.</param>
/// <param name="kind">The endpoint.</param>
/// <param name="arrived">When the request came, a timestamp of the clock.</param>
internal sealed class OAuthExchange(HttpContext context, OAuthEndpointKind kind, long arrived)
{
    // An id outside the grammar may be a secret, or hold control characters.
    private const string Masked = "(masked)";

    private ClientId? _clientId;
    private bool _idIsMasked;

    /// <summary>The request and its response.</summary>
    public HttpContext Context => context;

    /// <summary>The endpoint.</summary>
    public OAuthEndpointKind Kind => kind;

    /// <summary>When the request came, a timestamp of the clock.</summary>
    public long Arrived => arrived;

    /// <summary>The request.</summary>
    public HttpRequest Request => context.Request;

    /// <summary>The response.</summary>
    public HttpResponse Response => context.Response;

    /// <summary>Cancelled when the caller has gone.</summary>
    public CancellationToken Aborted => context.RequestAborted;

    /// <summary>The source network of the caller.</summary>
    public string Network => SourceNetwork.Of(context);

    /// <summary>The method by which the client authenticated, for the metrics.</summary>
    public string AuthMethod { get; private set; } = "none";

    /// <summary>What is known about who sent the request.</summary>
    public CallerStanding Standing { get; set; }

    /// <summary>Whether the metrics have counted the request.</summary>
    public bool IsCounted { get; set; }

    /// <summary>The slot of the admission that the request holds.</summary>
    public AdmissionSlot? Slot { get; set; }

    /// <summary>
    /// The client as a log may hold it. Callers send secrets instead of ids by mistake, so an id is logged in full only when
    /// there is such a client; else what <see cref="LoggableText.Masked"/> leaves of it.
    /// </summary>
    public string LoggableClient =>
        _idIsMasked ? Masked
        : _clientId is not { } id ? ""
        : Standing == CallerStanding.Unknown ? LoggableText.Masked(id.Value)
        : id.Value;

    /// <summary>Notes what the caller says of itself.</summary>
    public void Identify<TRequest>(in ParsedRequest<TRequest> parsed)
        where TRequest : class
    {
        _clientId = parsed.ClientId;
        _idIsMasked = parsed.ClientIdIsMasked;
        AuthMethod = parsed.AuthMethod?.Name() ?? AuthMethod;
    }
}
