using System.Collections.Immutable;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Tokens;

namespace AuthCluster.Web.OAuth;

/// <summary>A client that has proven who it is.</summary>
/// <param name="ClientId">Its id.</param>
/// <param name="Scopes">The scopes that it is registered with.</param>
/// <param name="Introspects">The audiences whose API it is: it may introspect tokens with these audiences.</param>
internal sealed record Caller(ClientId ClientId, ImmutableArray<string> Scopes, ImmutableArray<string> Introspects)
{
    /// <summary>Whether it may see every token.</summary>
    public bool SeesAll => Scopes.Contains(ServerScopes.Introspect);

    /// <summary>Whether it may read the feed of revocations.</summary>
    public bool MayReadFeed => SeesAll || !Introspects.IsEmpty;

    /// <summary>A client that its grain has authenticated.</summary>
    public static Caller Of(ClientId clientId, AuthenticateAnswer answer) => new(
        clientId,
        answer.Scopes.IsDefault ? [] : answer.Scopes,
        answer.Introspects.IsDefault ? [] : answer.Introspects);

    /// <summary>Whether it may be told about a token: its own, one for an API that it is, or all.</summary>
    /// <param name="owner">The client that the token was issued to.</param>
    /// <param name="audiences">The token's audiences.</param>
    public bool MaySee(ClientId owner, ImmutableArray<string> audiences) =>
        owner == ClientId || SeesAll || audiences.Any(audience => Introspects.Contains(audience));
}
