using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Cluster;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Clients;
using AuthCluster.Web.Clients;
using AuthCluster.Web.Cluster;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Web.Tokens;

/// <summary>
/// The one place where a front end asks a grain, and asks again: after a not-now, after a slow hash was computed,
/// and after the silo that was asked has died or does not answer, all within one deadline.
/// </summary>
/// <remarks>
/// Asking again is harmless: a decision may count twice, never zero times; what writes is known by its ids to have
/// been done. The secret itself stays here; its SHA-256 travels.
/// </remarks>
public sealed partial class ClientAuthority(
    IGrainFactory grains, SlowHashGate slowHashes, ClusterMetrics metrics, CallBound bound, TimeProvider clock, ILogger<ClientAuthority> logger)
{
    /// <summary>Asks for the decision of a token request.</summary>
    public Task<IssueTokenAnswer> DecideAsync(
        ClientCredentials credentials, Func<PresentedSecret, IssueTokenCommand> command, string network, CancellationToken cancellationToken)
    {
        var grain = GrainOf(credentials.ClientId);
        return AskAsync(
            Question.Of(credentials, network),
            question => grain.IssueTokenAsync(command(question.Presented), CancellationToken.None),
            static answer => new Progress(answer.Kind, answer.Challenges, answer.Delay, answer.Reason),
            ProveAsync,
            static () => new IssueTokenAnswer { Kind = DecisionKind.Unavailable },
            bound.Quick,
            clock.GetTimestamp(),
            cancellationToken);
    }

    /// <summary>Asks who a caller of another endpoint is.</summary>
    public Task<AuthenticateAnswer> AuthenticateAsync(ClientCredentials credentials, string network, CancellationToken cancellationToken)
    {
        var grain = GrainOf(credentials.ClientId);
        return AskAsync(
            Question.Of(credentials, network),
            question => grain.AuthenticateAsync(question.Presented, CancellationToken.None),
            static answer => new Progress(answer.Kind, answer.Challenges, answer.Delay, answer.Reason),
            ProveAsync,
            static () => new AuthenticateAnswer { Kind = DecisionKind.Unavailable },
            bound.Quick,
            clock.GetTimestamp(),
            cancellationToken);
    }

    /// <summary>Asks whether a token that is ours and has not expired is still active.</summary>
    /// <param name="token">The token.</param>
    /// <param name="scope">A scope that its client must be registered for still; null where the token's own word is enough.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns><see cref="TokenStanding.Unknown"/> when that can't be known now: the caller must not take it for either answer.</returns>
    public async Task<TokenStanding> CheckTokenAsync(ValidatedToken token, string? scope, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(token);
        var command = new CheckTokenCommand(token.Jti, token.Generation, scope);
        var answer = await AskAsync(
            () => GrainOf(token.ClientId).CheckTokenAsync(command, CancellationToken.None), bound.Quick, cancellationToken);
        return answer?.Standing ?? TokenStanding.Unknown;
    }

    /// <summary>Revokes one token of its client. Revoking twice is revoking once.</summary>
    public async Task<ClientOutcome> RevokeTokenAsync(ValidatedToken token, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(token);
        var command = new RevokeTokenCommand(token.Jti, token.Generation, DateTimeOffset.FromUnixTimeSeconds(token.ExpiresAt));
        var answer = await AskAsync(
            () => GrainOf(token.ClientId).RevokeTokenAsync(command, CancellationToken.None), bound.Slow, cancellationToken);
        return answer?.Outcome ?? ClientOutcome.Unavailable;
    }

    /// <summary>Asks any grain for what may be asked twice; null when no silo answers within the deadline.</summary>
    /// <param name="ask">Asks once.</param>
    /// <param name="tries">How long each try is waited for.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal Task<TAnswer?> AskAsync<TAnswer>(Func<Task<TAnswer>> ask, TryBound tries, CancellationToken cancellationToken)
        where TAnswer : class => AskAsync(ask, tries, clock.GetTimestamp(), cancellationToken);

    /// <summary>As the other, for a request that has used some of its deadline.</summary>
    /// <param name="ask">Asks once.</param>
    /// <param name="tries">How long each try is waited for.</param>
    /// <param name="started">From when on the deadline counts, a timestamp of the clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal Task<TAnswer?> AskAsync<TAnswer>(Func<Task<TAnswer>> ask, TryBound tries, long started, CancellationToken cancellationToken)
        where TAnswer : class =>
        AskAsync<Func<Task<TAnswer>>, TAnswer?>(
            ask,
            static async ask => await ask(),
            static _ => default,
            static (_, _, _) => Task.FromResult<Func<Task<TAnswer>>?>(null),
            static () => null,
            tries,
            started,
            cancellationToken);

    private IClientGrain GrainOf(ClientId clientId) => grains.Client(clientId.Value);

    /// <summary>Asks until there is an answer other than not now, or none can come within the deadline.</summary>
    private async Task<TAnswer> AskAsync<TQuestion, TAnswer>(
        TQuestion question,
        Func<TQuestion, Task<TAnswer>> ask,
        Func<TAnswer, Progress> progressOf,
        Func<TQuestion, ImmutableArray<SlowHashChallenge>, CancellationToken, Task<TQuestion?>> prove,
        Func<TAnswer> unavailable,
        TryBound tries,
        long started,
        CancellationToken cancellationToken)
        where TQuestion : class
    {
        for (var failures = 0; ;)
        {
            Progress progress;
            Exception? failure = null;
            try
            {
                var answer = await tries.WaitAsync(ask(question), failures, Left(started), clock);
                progress = progressOf(answer);
                if (progress.Kind is not (DecisionKind.NotNow or DecisionKind.Prove))
                {
                    return answer;
                }
            }
            catch (Exception e) when (CallFailures.IsOnTheWay(e, cancellationToken))
            {
                failure = e;
                progress = new Progress(DecisionKind.NotNow, [], GrainFailures.PauseAfter(++failures), NotNowReason.None);
            }

            if (progress.Kind == DecisionKind.Prove)
            {
                if (await prove(question, progress.Challenges, cancellationToken) is not { } proven)
                {
                    return unavailable();
                }

                question = proven;
                continue;
            }

            if (progress.Delay >= Left(started))
            {
                if (failure is not (null or TimeoutException or OrleansMessageRejectionException))
                {
                    LogGivenUp(failure.GetType().Name, failure.Message);
                }

                return unavailable();
            }

            if (failure is not null)
            {
                metrics.Repeated(failure);
            }
            else
            {
                metrics.NotNow(progress.Reason);
            }

            await Task.Delay(progress.Delay, clock, cancellationToken);
        }
    }

    private TimeSpan Left(long started) => GrainFailures.Deadline - clock.GetElapsedTime(started);

    /// <summary>Computes the slow hashes that a grain asks for; null when they can't be had now.</summary>
    private async Task<Question?> ProveAsync(Question question, ImmutableArray<SlowHashChallenge> challenges, CancellationToken cancellationToken)
    {
        if (!question.Presented.Proofs.IsEmpty)
        {
            // Proven for secrets that have changed since: whoever is right asks once more.
            return null;
        }

        var credentials = question.Credentials;
        var strong = SlowHash.IsStrong(credentials.Secret.Span);
        var proofs = ImmutableArray.CreateBuilder<SlowHashProof>(challenges.Length);
        foreach (var challenge in challenges)
        {
            var derived = await slowHashes.ComputeAsync(
                question.Network, credentials.ClientId.Value, challenge.Parameters, credentials.Secret, cancellationToken);
            if (derived is null)
            {
                return null;
            }

            proofs.Add(new SlowHashProof(challenge.SecretId, [.. derived], strong));
        }

        return question with { Presented = question.Presented with { Proofs = proofs.ToImmutable() } };
    }

    // What a silo that is gone leads to is counted, not told one by one.
    [LoggerMessage(1004, LogLevel.Warning, "A call failed on its way until its deadline ({Failure}: {Message}); the caller gets 503.")]
    private partial void LogGivenUp(string failure, string message);

    /// <summary>Who asks from where, and what the grain is shown of the secret.</summary>
    private sealed record Question(ClientCredentials Credentials, string Network, PresentedSecret Presented)
    {
        public static Question Of(ClientCredentials credentials, string network) => new(
            credentials,
            network,
            new PresentedSecret(
                ImmutableCollectionsMarshal.AsImmutableArray(SHA256.HashData(credentials.Secret.Span)),
                credentials.Method == ClientAuthMethod.ClientSecretBasic ? AuthMethod.ClientSecretBasic : AuthMethod.ClientSecretPost,
                []));
    }

    private readonly record struct Progress(
        DecisionKind Kind, ImmutableArray<SlowHashChallenge> Challenges, TimeSpan Delay, NotNowReason Reason);
}
