using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Clients;
using AuthCluster.Web.Clients;
using AuthCluster.Web.Cluster;

namespace AuthCluster.Web.Tokens;

/// <summary>
/// The one place where a front end asks a client's grain, and asks again: after a not-now, after a slow hash
/// was computed, and after the silo that decided has died, all within one deadline.
/// </summary>
/// <remarks>
/// Asking again is harmless: a decision may count twice, never zero times. The secret itself stays here; its
/// SHA-256 travels.
/// </remarks>
public sealed class ClientAuthority(IGrainFactory grains, SlowHashGate slowHashes, ClusterMetrics metrics, CallBound bound, TimeProvider clock)
{
    /// <summary>Asks for the decision of a token request.</summary>
    public Task<IssueTokenAnswer> DecideAsync(
        ClientCredentials credentials, Func<PresentedSecret, IssueTokenCommand> command, string network, CancellationToken cancellationToken)
    {
        var grain = GrainOf(credentials);
        return AskAsync(
            credentials,
            network,
            presented => grain.IssueTokenAsync(command(presented), CancellationToken.None),
            static answer => new Progress(answer.Kind, answer.Challenges, answer.Delay, answer.Reason),
            static () => new IssueTokenAnswer { Kind = DecisionKind.Unavailable },
            cancellationToken);
    }

    /// <summary>Asks who a caller of another endpoint is.</summary>
    public Task<AuthenticateAnswer> AuthenticateAsync(ClientCredentials credentials, string network, CancellationToken cancellationToken)
    {
        var grain = GrainOf(credentials);
        return AskAsync(
            credentials,
            network,
            presented => grain.AuthenticateAsync(presented, CancellationToken.None),
            static answer => new Progress(answer.Kind, answer.Challenges, answer.Delay, NotNowReason.Reloading),
            static () => new AuthenticateAnswer { Kind = DecisionKind.Unavailable },
            cancellationToken);
    }

    /// <summary>Asks whether a token that is ours and has not expired is still active.</summary>
    /// <returns><see cref="TokenStanding.Unknown"/> when that can't be known now: the caller must not take it for either answer.</returns>
    public async Task<TokenStanding> CheckTokenAsync(ValidatedToken token, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(token);
        var command = new CheckTokenCommand(token.Jti, token.Generation);
        var answer = await RepeatAsync(
            () => GrainOf(token.ClientId).CheckTokenAsync(command, CancellationToken.None), cancellationToken);
        return answer?.Standing ?? TokenStanding.Unknown;
    }

    /// <summary>Revokes one token of its client. Revoking twice is revoking once.</summary>
    public async Task<ClientOutcome> RevokeTokenAsync(ValidatedToken token, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(token);
        var command = new RevokeTokenCommand(token.Jti, token.Generation, DateTimeOffset.FromUnixTimeSeconds(token.ExpiresAt));
        var answer = await RepeatAsync(
            () => GrainOf(token.ClientId).RevokeTokenAsync(command, CancellationToken.None), cancellationToken);
        return answer?.Outcome ?? ClientOutcome.Unavailable;
    }

    private IClientGrain GrainOf(ClientCredentials credentials) => GrainOf(credentials.ClientId);

    private IClientGrain GrainOf(ClientId clientId) => grains.Client(clientId.Value);

    /// <summary>Asks again after the silo that was asked has died; null when none answers within the deadline.</summary>
    internal async Task<TAnswer?> RepeatAsync<TAnswer>(Func<Task<TAnswer>> ask, CancellationToken cancellationToken)
        where TAnswer : class
    {
        var started = clock.GetTimestamp();
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (Exception e) when (GrainFailures.IsRepeatable(e))
            {
                metrics.Repeated(e);
            }

            if (clock.GetElapsedTime(started) + GrainFailures.RepeatAfter > GrainFailures.Deadline)
            {
                return null;
            }

            await Task.Delay(GrainFailures.RepeatAfter, clock, cancellationToken);
        }
    }

    private async Task<TAnswer> AskAsync<TAnswer>(
        ClientCredentials credentials,
        string network,
        Func<PresentedSecret, Task<TAnswer>> ask,
        Func<TAnswer, Progress> progressOf,
        Func<TAnswer> unavailable,
        CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        var presented = Present(credentials, []);
        while (true)
        {
            TAnswer answer;
            Progress progress;
            try
            {
                answer = await bound.WaitAsync(ask(presented), clock);
                progress = progressOf(answer);
            }
            catch (Exception e) when (GrainFailures.IsRepeatable(e))
            {
                metrics.Repeated(e);
                answer = unavailable();
                progress = new Progress(DecisionKind.NotNow, [], GrainFailures.RepeatAfter, NotNowReason.None);
            }

            switch (progress.Kind)
            {
                case DecisionKind.NotNow:
                    if (clock.GetElapsedTime(started) + progress.Delay > GrainFailures.Deadline)
                    {
                        return unavailable();
                    }

                    metrics.NotNow(progress.Reason);
                    await Task.Delay(progress.Delay, clock, cancellationToken);
                    continue;

                case DecisionKind.Prove when presented.Proofs.IsEmpty:
                    if (await ProveAsync(credentials, network, progress.Challenges, cancellationToken) is not { } proofs)
                    {
                        return unavailable();
                    }

                    presented = Present(credentials, proofs);
                    continue;

                case DecisionKind.Prove:
                    // Proven for secrets that have changed since: whoever is right asks once more.
                    return unavailable();

                default:
                    return answer;
            }
        }
    }

    private async Task<ImmutableArray<SlowHashProof>?> ProveAsync(
        ClientCredentials credentials, string network, ImmutableArray<SlowHashChallenge> challenges, CancellationToken cancellationToken)
    {
        var strong = SlowHash.IsStrong(credentials.Secret.Span);
        var proofs = ImmutableArray.CreateBuilder<SlowHashProof>(challenges.Length);
        foreach (var challenge in challenges)
        {
            var derived = await slowHashes.ComputeAsync(
                network, credentials.ClientId.Value, challenge.Parameters, credentials.Secret, cancellationToken);
            if (derived is null)
            {
                return null;
            }

            proofs.Add(new SlowHashProof(challenge.SecretId, [.. derived], strong));
        }

        return proofs.ToImmutable();
    }

    private static PresentedSecret Present(ClientCredentials credentials, ImmutableArray<SlowHashProof> proofs) =>
        new(
            ImmutableCollectionsMarshal.AsImmutableArray(SHA256.HashData(credentials.Secret.Span)),
            credentials.Method == ClientAuthMethod.ClientSecretBasic ? AuthMethod.ClientSecretBasic : AuthMethod.ClientSecretPost,
            proofs);

    private readonly record struct Progress(
        DecisionKind Kind, ImmutableArray<SlowHashChallenge> Challenges, TimeSpan Delay, NotNowReason Reason);
}
