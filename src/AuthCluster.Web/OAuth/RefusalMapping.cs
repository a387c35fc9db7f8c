using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Requests;

namespace AuthCluster.Web.OAuth;

/// <summary>Maps each refusal to its public error; no other code does.</summary>
public static class RefusalMapping
{
    /// <summary>The public error of a refusal. All refusals about who the client is have the same error.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such refusal.</exception>
    public static OAuthError ErrorOf(Refusal refusal) => refusal switch
    {
        Refusal.UnknownClient
            or Refusal.WrongSecret
            or Refusal.SecretNotValidNow
            or Refusal.ClientDisabled
            or Refusal.MethodNotAllowed => OAuthError.ClientAuthenticationFailed,
        Refusal.GrantNotAllowed => OAuthError.GrantNotAllowed,
        Refusal.ScopeNotAllowed => OAuthError.ScopeNotAllowed,
        Refusal.TargetNotAllowed => OAuthError.TargetNotAllowed,
        Refusal.RateLimited => OAuthError.RateLimited,
        Refusal.QuotaExceeded => OAuthError.QuotaExceeded,
        _ => throw new ArgumentOutOfRangeException(nameof(refusal)),
    };
}
