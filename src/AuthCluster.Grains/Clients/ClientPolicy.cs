using System.Collections.Immutable;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Tokens;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// The facts from which requests of one client are decided: compiled once from the stored state, immutable, replaced as a
/// whole when the state changes.
/// </summary>
internal sealed class ClientPolicy
{
    private readonly ClientDefaults _defaults;
    private readonly ScopeSet _scopes;
    private readonly ScopeSet _defaultScopes;
    private readonly ImmutableArray<string> _audiences;
    private readonly long _generation;
    private IssueTokenAnswer? _defaultAnswer;

    private ClientPolicy(ClientState state, ClientDocument document, ClientDefaults defaults)
    {
        _defaults = defaults;
        _generation = state.Generation;
        _scopes = ScopeSet.Of(document.Scopes);
        _defaultScopes = ScopeSet.Of(document.EffectiveDefaultScopes);
        _audiences = AudienceSelection.Effective(document.Audiences, defaults.DefaultAudience);
        Document = document;
        Enabled = state.Enabled;
        Secrets = state.Secrets;
    }

    public ClientDocument Document { get; }

    public bool Enabled { get; }

    public ImmutableArray<SecretState> Secrets { get; }

    /// <summary>The client's own part of its token generation.</summary>
    public long Generation => _generation;

    /// <exception cref="FormatException">The stored document can't be read.</exception>
    public static ClientPolicy From(string clientId, ClientState state, ClientDefaults defaults) =>
        state.Document is { } json
            ? new ClientPolicy(state, ClientDocumentReader.ReadStored(clientId, json.GetRawText()), defaults)
            : throw new FormatException("The stored client has no document.");

    /// <summary>Whether the client is registered for an authentication method.</summary>
    public bool Allows(AuthMethod method) => Document.AuthMethods.Contains(method switch
    {
        AuthMethod.ClientSecretBasic => ClientAuthMethod.ClientSecretBasic,
        AuthMethod.ClientSecretPost => ClientAuthMethod.ClientSecretPost,
        _ => throw new ArgumentOutOfRangeException(nameof(method)),
    });

    /// <summary>Decides what an authenticated client may have, without its limits (RFC 6749 section 4.4, RFC 8707).</summary>
    public Refusal Decide(IssueTokenCommand command, long floor, long revocationMark, out TokenGrant? grant)
    {
        grant = null;
        if (!Document.AllowsClientCredentials)
        {
            return Refusal.GrantNotAllowed;
        }

        var isUsual = !command.ScopesAsked && command.Audiences.IsDefaultOrEmpty && command.Resources.IsDefaultOrEmpty;
        var generation = floor + _generation;
        if (isUsual && _defaultAnswer?.Grant is { } usual && usual.Generation == generation && usual.RevocationMark == revocationMark)
        {
            grant = usual;
            return Refusal.None;
        }

        if (!ScopeSet.TryGrant(_scopes, _defaultScopes, command.ScopesAsked ? command.Scopes : null, out var scopes))
        {
            return Refusal.ScopeNotAllowed;
        }

        if (!AudienceSelection.TrySelect(
            _audiences, command.Audiences, command.Resources, scopes, _defaults.Issuer, out var audiences))
        {
            return Refusal.TargetNotAllowed;
        }

        grant = new TokenGrant
        {
            Scope = scopes.ToString(),
            Audiences = audiences,
            LifetimeSeconds = Document.TokenLifetimeSeconds ?? _defaults.TokenLifetimeSeconds,
            Generation = generation,
            ClaimsJson = Document.ClaimsJson,
            ReuseSeconds = Document.TokenReuseSeconds,
            RevocationMark = revocationMark,
        };
        if (isUsual)
        {
            _defaultAnswer = new IssueTokenAnswer { Kind = DecisionKind.Allowed, Grant = grant };
        }

        return Refusal.None;
    }

    /// <summary>The answer with a grant. For the request that names no scopes and no target it is the same object each time, which saves an allocation.</summary>
    public IssueTokenAnswer AnswerOf(TokenGrant grant) =>
        _defaultAnswer is { } usual && ReferenceEquals(usual.Grant, grant)
            ? usual
            : new IssueTokenAnswer { Kind = DecisionKind.Allowed, Grant = grant };
}
