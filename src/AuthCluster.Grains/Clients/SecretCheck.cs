using System.Collections.Immutable;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Secrets;
using AuthCluster.Grains.StoredState;

namespace AuthCluster.Grains.Clients;

/// <summary>The result of checking a caller's secret.</summary>
/// <param name="Kind">Allowed, refused, prove a slow hash first, or unavailable.</param>
/// <param name="Refusal">The reason for a refusal.</param>
/// <param name="Secret">The client's secret that was presented; null when none matched.</param>
internal readonly record struct Authentication(DecisionKind Kind, Refusal Refusal = Refusal.None, SecretState? Secret = null);

/// <summary>
/// Authenticates callers as one client. An unknown id, a wrong secret and a disabled client get the same answer; only the log
/// shows the reason.
/// </summary>
internal sealed class SecretCheck(SecretVerifier verifier, SecretProofs proofs, TimeProvider clock)
{
    /// <summary>Checks a presented secret.</summary>
    public Authentication Check(ClientPolicy policy, PresentedSecret presented)
    {
        var now = clock.GetUtcNow();
        var finding = verifier.Check(policy.Secrets, presented, now, out var secret);
        if (finding == SecretFinding.MustProve && !presented.Proofs.IsDefaultOrEmpty)
        {
            finding = verifier.CheckProofs(policy.Secrets, presented, now, out secret, out var storable);
            if (storable is not null)
            {
                proofs.Add(secret!.Id, storable);
            }

            // A secret that was added after the challenge was not part of it: challenge again.
            if (finding == SecretFinding.Wrong && verifier.HasUnproven(policy.Secrets, presented, now))
            {
                finding = SecretFinding.MustProve;
            }
        }

        return finding switch
        {
            SecretFinding.MustProve => new Authentication(DecisionKind.Prove),
            SecretFinding.Wrong => new Authentication(DecisionKind.Refused, Refusal.WrongSecret),
            SecretFinding.NotValidNow => new Authentication(DecisionKind.Refused, Refusal.SecretNotValidNow, secret),
            _ when !policy.Enabled => new Authentication(DecisionKind.Refused, Refusal.ClientDisabled, secret),
            _ when !policy.Allows(presented.Method) => new Authentication(DecisionKind.Refused, Refusal.MethodNotAllowed, secret),
            _ => new Authentication(DecisionKind.Allowed, Refusal.None, secret),
        };
    }

    /// <summary>The slow hashes by which a secret that was not seen before must be proven.</summary>
    public ImmutableArray<SlowHashChallenge> Challenges(ClientPolicy policy) => verifier.Challenges(policy.Secrets, clock.GetUtcNow());

    /// <summary>Forgets proven secrets that the policy no longer has.</summary>
    public void ForgetExcept(ClientPolicy policy) => verifier.ForgetExcept(policy.Secrets);
}
