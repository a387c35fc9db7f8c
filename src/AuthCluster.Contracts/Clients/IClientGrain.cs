using AuthCluster.Contracts.Tokens;
using Orleans.Concurrency;

namespace AuthCluster.Contracts.Clients;

/// <summary>
/// One registered client. The grain alone decides what its client may have, from memory; its key is
/// <see cref="ClientGrainKey"/>.
/// </summary>
/// <remarks>
/// Calls interleave: a change waits for up to eight seconds until it holds on every silo, and holds up only its own caller. Writes take turns at the
/// row in the grain.
/// </remarks>
[GrainInterfaceType("client"), Alias("authcluster.client")]
public interface IClientGrain : IGrainWithStringKey
{
    // For what is decided from memory or after one read. A call that a silo passed on to one that died is lost, and nobody is told:
    // it may be asked again after this, in seconds.
    private const string MaxDecisionTime = "00:00:02";

    /// <summary>Decides one token request. Waits for what has to be stored or read first, for a bounded time.</summary>
    [AlwaysInterleave, ResponseTimeout(MaxDecisionTime), Alias("issue-token")]
    Task<IssueTokenAnswer> IssueTokenAsync(IssueTokenCommand command, CancellationToken cancellationToken = default);

    /// <summary>Authenticates a caller of introspection, revocation or the feed. Spends nothing of its limits.</summary>
    [AlwaysInterleave, ResponseTimeout(MaxDecisionTime), Alias("authenticate")]
    Task<AuthenticateAnswer> AuthenticateAsync(PresentedSecret secret, CancellationToken cancellationToken = default);

    /// <summary>Tells whether a token of this client is active: its generation is the present one and its <c>jti</c> is not revoked.</summary>
    [AlwaysInterleave, ResponseTimeout(MaxDecisionTime), Alias("check-token")]
    Task<CheckTokenAnswer> CheckTokenAsync(CheckTokenCommand command, CancellationToken cancellationToken = default);

    /// <summary>Reads the client document and its secrets' metadata.</summary>
    [AlwaysInterleave, Alias("get")]
    Task<ClientAnswer> GetAsync(CancellationToken cancellationToken = default);

    /// <summary>Creates the client, or creates it anew over the tombstone of a deleted one.</summary>
    [AlwaysInterleave, Alias("create")]
    Task<ClientAnswer> CreateAsync(CreateClientCommand command, CancellationToken cancellationToken = default);

    /// <summary>Replaces the client's document.</summary>
    [AlwaysInterleave, Alias("replace")]
    Task<ClientAnswer> ReplaceAsync(ReplaceClientCommand command, CancellationToken cancellationToken = default);

    /// <summary>
    /// Merges a patch with the client's present document and replaces that with the result. Silos of builds before this method don't
    /// know it: a call to one ends with an exception, and has changed nothing.
    /// </summary>
    [AlwaysInterleave, Alias("patch")]
    Task<PatchClientAnswer> PatchAsync(PatchClientCommand command, CancellationToken cancellationToken = default);

    /// <summary>Enables or disables the client. Disabling ends every token that it has.</summary>
    [AlwaysInterleave, Alias("set-enabled")]
    Task<ClientAnswer> SetEnabledAsync(SetEnabledCommand command, CancellationToken cancellationToken = default);

    /// <summary>Deletes the client and leaves a tombstone, so that its generation is never used again.</summary>
    [AlwaysInterleave, Alias("delete")]
    Task<ClientAnswer> DeleteAsync(DeleteClientCommand command, CancellationToken cancellationToken = default);

    /// <summary>Ends every token that was issued to the client so far.</summary>
    [AlwaysInterleave, Alias("revoke-tokens")]
    Task<ClientAnswer> RevokeTokensAsync(RevokeTokensCommand command, CancellationToken cancellationToken = default);

    /// <summary>Adds a secret, and ends the others when asked to, in one write.</summary>
    [AlwaysInterleave, Alias("add-secret")]
    Task<ClientAnswer> AddSecretAsync(AddSecretCommand command, CancellationToken cancellationToken = default);

    /// <summary>Revokes a secret.</summary>
    [AlwaysInterleave, Alias("revoke-secret")]
    Task<ClientAnswer> RevokeSecretAsync(RevokeSecretCommand command, CancellationToken cancellationToken = default);

    /// <summary>Revokes one token by its <c>jti</c> (RFC 7009).</summary>
    [AlwaysInterleave, Alias("revoke-token")]
    Task<ClientAnswer> RevokeTokenAsync(RevokeTokenCommand command, CancellationToken cancellationToken = default);
}

/// <summary>The key of a client's grain: <c>c:</c> and the client id, so that no id is read as a number by the storage provider.</summary>
/// <remarks>
/// The storage provider also takes a key with a brace for a format string, and fails. Angle brackets stand for braces in a key:
/// no client id has them, and the key keeps the length that its column has room for.
/// </remarks>
public static class ClientGrainKey
{
    private const string Prefix = "c:";

    private static readonly GrainType Grain = GrainType.Create("client");
    private static readonly GrainInterfaceType Interface = GrainInterfaceType.Create("client");

    /// <summary>The grain of a client.</summary>
    /// <remarks>
    /// By its ids, not by its interface's type: Orleans looks the attributes of that type up anew at each call, which
    /// was a twelfth of the whole work of a token request.
    /// </remarks>
    public static IClientGrain Client(this IGrainFactory grains, string clientId)
    {
        ArgumentNullException.ThrowIfNull(grains);
        return (IClientGrain)grains.GetGrain(GrainId.Create(Grain, Of(clientId)), Interface);
    }

    /// <summary>The grain key of a client id.</summary>
    public static string Of(string clientId) => Prefix + clientId.Replace('{', '<').Replace('}', '>');

    /// <summary>The client id of a grain key.</summary>
    public static string ClientId(string grainKey) => grainKey[Prefix.Length..].Replace('<', '{').Replace('>', '}');
}
