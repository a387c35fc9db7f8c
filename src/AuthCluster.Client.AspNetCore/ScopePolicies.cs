using System.Security.Claims;
using AuthCluster.Client.AspNetCore.Tokens;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;

namespace AuthCluster.Client.AspNetCore;

/// <summary>What a token must be allowed to do.</summary>
public static class ScopePolicies
{
    /// <summary>Requires all of the scopes; a token without them gets 403 <c>insufficient_scope</c> (RFC 6750 §3.1).</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="scopes">The scopes, one each, of RFC 6749 §3.3.</param>
    public static AuthorizationPolicyBuilder RequireScope(this AuthorizationPolicyBuilder policy, params string[] scopes)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(scopes);
        if (scopes.Length == 0 || scopes.Any(scope => scope.Length == 0 || !scope.All(c => c is > ' ' and <= '~' and not '"' and not '\\')))
            throw new ArgumentException("At least one scope, each of printable ASCII without space, quote and backslash.", nameof(scopes));
        return policy.RequireAuthenticatedUser().AddRequirements(new ScopeRequirement(scopes));
    }

    /// <summary>Requires a token with all of the scopes for these endpoints.</summary>
    /// <param name="endpoints">The endpoint or group.</param>
    /// <param name="scopes">The scopes, one each.</param>
    /// <typeparam name="TBuilder">The builder's type.</typeparam>
    public static TBuilder RequireScope<TBuilder>(this TBuilder endpoints, params string[] scopes)
        where TBuilder : IEndpointConventionBuilder =>
        endpoints.RequireAuthorization(policy => policy.RequireScope(scopes));

    /// <summary>True when the caller's token has the scope.</summary>
    /// <param name="user">The caller.</param>
    /// <param name="scope">The scope.</param>
    public static bool HasScope(this ClaimsPrincipal user, string scope)
    {
        ArgumentNullException.ThrowIfNull(user);
        return ScopeRequirement.IsGranted(user, scope);
    }
}
