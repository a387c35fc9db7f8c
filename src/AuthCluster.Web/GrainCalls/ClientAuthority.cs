using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Requests;
using AuthCluster.Web.Clients;

namespace AuthCluster.Web.GrainCalls;

/// <summary>Asks a client's grain what its caller may have, and computes the slow hashes that the grain asks for.</summary>
/// <remarks>The secret itself stays here; its SHA-256 travels.</remarks>
public sealed class ClientAuthority(
    IGrainFactory grains, CallRetry retry, SlowHashGate slowHashes, CallTimeouts timeouts, TimeProvider clock)
{
    private static readonly IssueTokenAnswer NoDecision = new() { Kind = DecisionKind.Unavailable };
    private static readonly AuthenticateAnswer NotAuthenticated = new() { Kind = DecisionKind.Unavailable };

    /// <summary>Asks for the decision of a token request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="network">The source network of its caller.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<IssueTokenAnswer> DecideAsync(TokenRequest request, string network, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var grain = grains.Client(request.Client.ClientId.Value);
        return await AskAsync(
            request.Client, network, (secret, _) => grain.IssueTokenAsync(CommandOf(request, secret), CancellationToken.None), cancellationToken) ?? NoDecision;
    }

    /// <summary>Asks who a caller of another endpoint is.</summary>
    /// <param name="credentials">The caller's credentials.</param>
    /// <param name="network">Its source network.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<AuthenticateAnswer> AuthenticateAsync(ClientCredentials credentials, string network, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(credentials);
        var grain = grains.Client(credentials.ClientId.Value);
        return await AskAsync(credentials, network, (secret, _) => grain.AuthenticateAsync(secret, CancellationToken.None), cancellationToken)
            ?? NotAuthenticated;
    }

    /// <summary>Asks the grain, and asks once more with the slow hashes that the grain asks for; null where there is no answer in time.</summary>
    private async Task<TAnswer?> AskAsync<TAnswer>(
        ClientCredentials credentials, string network, Func<PresentedSecret, TimeSpan, Task<TAnswer>> ask, CancellationToken cancellationToken)
        where TAnswer : class, IClientDecision
    {
        var started = clock.GetTimestamp();
        var secret = Present(credentials);
        var answer = await retry.AskAsync(ask, secret, timeouts.Quick, started, cancellationToken);
        if (answer is { Kind: DecisionKind.Prove })
        {
            if (await ProveAsync(credentials, network, answer.Challenges, cancellationToken) is not { } proofs)
            {
                return null;
            }

            answer = await retry.AskAsync(ask, secret with { Proofs = proofs }, timeouts.Quick, started, cancellationToken);
        }

        // The grain asks for a proof again: the secrets were changed meanwhile. A caller with the right secret succeeds at its next request.
        return answer is null or { Kind: DecisionKind.Prove } ? null : answer;
    }

    /// <summary>Computes slow hashes; null when they can't be computed now.</summary>
    private async Task<ImmutableArray<SlowHashProof>?> ProveAsync(
        ClientCredentials credentials, string network, ImmutableArray<SlowHashChallenge> challenges, CancellationToken cancellationToken)
    {
        var isStrong = SlowHash.IsStrong(credentials.Secret.Span);
        var proofs = ImmutableArray.CreateBuilder<SlowHashProof>(challenges.Length);
        foreach (var challenge in challenges)
        {
            var derived = await slowHashes.ComputeAsync(
                network, credentials.ClientId.Value, challenge.Parameters, credentials.Secret, cancellationToken);
            if (derived is null)
            {
                return null;
            }

            proofs.Add(new SlowHashProof(challenge.SecretId, [.. derived], isStrong));
        }

        return proofs.ToImmutable();
    }

    private static PresentedSecret Present(ClientCredentials credentials) => new(
        ImmutableCollectionsMarshal.AsImmutableArray(SHA256.HashData(credentials.Secret.Span)),
        credentials.Method == ClientAuthMethod.ClientSecretBasic ? AuthMethod.ClientSecretBasic : AuthMethod.ClientSecretPost,
        []);

    private static IssueTokenCommand CommandOf(TokenRequest request, PresentedSecret secret) => new(
        secret,
        request.RequestedScopes is not null,
        request.RequestedScopes ?? [],
        request.Audiences,
        request.Resources);
}
