using System.Collections.Immutable;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Grains.Secrets;
using AuthCluster.Grains.StoredState;

namespace AuthCluster.Grains.Clients;

/// <summary>Who a caller is, as far as its secret says.</summary>
/// <param name="Kind">Allowed, refused, or a slow hash to prove first.</param>
/// <param name="Refusal">The reason of a refusal.</param>
/// <param name="Secret">The secret that it presented; null for none of the client's.</param>
internal readonly record struct Authentication(DecisionKind Kind, Refusal Refusal = Refusal.None, SecretState? Secret = null);

/// <summary>
/// Authenticates callers as one client by what they present. An unknown id, a wrong secret and a disabled client get the same answer, but
/// for the reason, which is kept for the log.
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

            // A secret that was added since the challenge has not been asked for yet.
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

    /// <summary>The slow hashes that a secret not seen before must be proven by.</summary>
    public ImmutableArray<SlowHashChallenge> Challenges(ClientPolicy policy) => verifier.Challenges(policy.Secrets, clock.GetUtcNow());

    /// <summary>Forgets what it remembers of secrets that are no longer there.</summary>
    public void ForgetExcept(ClientPolicy policy) => verifier.ForgetExcept(policy.Secrets);
}
