using System.Diagnostics.CodeAnalysis;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.Protocol.Requests;

/// <summary>The result of reading a request: the request, or the error to answer with.</summary>
/// <typeparam name="TRequest">The typed request.</typeparam>
public readonly record struct ParsedRequest<TRequest>
    where TRequest : class
{
    private ParsedRequest(TRequest? request, OAuthError? error, PresentedId id)
    {
        Request = request;
        Error = error;
        ClientId = id.ClientId;
        ClientIdIsMasked = id.IsMasked;
        AuthMethod = id.Method;
    }

    /// <summary>Whether there is a request; else there is an error.</summary>
    [MemberNotNullWhen(true, nameof(Request))]
    [MemberNotNullWhen(false, nameof(Error))]
    public bool Succeeded => Request is not null;

    /// <summary>The request.</summary>
    public TRequest? Request { get; }

    /// <summary>The error to answer with.</summary>
    public OAuthError? Error { get; }

    /// <summary>The id that the caller gave, when it was read and may be logged. The caller is not authenticated yet.</summary>
    public ClientId? ClientId { get; }

    /// <summary>Whether the caller gave an id outside the grammar. It may be a secret or have control characters, so it must not be logged.</summary>
    public bool ClientIdIsMasked { get; }

    /// <summary>The method by which the caller sent a secret, when that was read. The secret is not checked yet.</summary>
    public ClientAuthMethod? AuthMethod { get; }

    /// <summary>Prints nothing that the caller sent, except an id that may be logged.</summary>
    public override string ToString() => $"{(Error is { } error ? error.Code : "request")} of {(ClientIdIsMasked ? "(masked)" : ClientId?.Value ?? "(none)")}";

    internal static ParsedRequest<TRequest> Of(TRequest request, ClientId clientId, ClientAuthMethod? method = null) =>
        new(request, null, new PresentedId(clientId, false, method));

    internal static ParsedRequest<TRequest> Refused(OAuthError error, PresentedId id) => new(null, error, id);
}

/// <summary>Creates <see cref="ParsedRequest{TRequest}"/>.</summary>
public static class ParsedRequest
{
    /// <summary>An error that was found before the request was parsed.</summary>
    public static ParsedRequest<TRequest> Refused<TRequest>(OAuthError error)
        where TRequest : class => ParsedRequest<TRequest>.Refused(error, PresentedId.None);
}

/// <summary>What is known of the id that a caller gave.</summary>
internal readonly record struct PresentedId(ClientId? ClientId, bool IsMasked, ClientAuthMethod? Method = null)
{
    /// <summary>No id was read.</summary>
    public static readonly PresentedId None = new(null, false);

    /// <summary>An id outside the grammar.</summary>
    public static readonly PresentedId Masked = new(null, true);
}
