using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Client.AspNetCore.Tokens;

/// <summary>All of these scopes must be in the token.</summary>
internal sealed class ScopeRequirement(string[] scopes) : AuthorizationHandler<ScopeRequirement>, IAuthorizationRequirement
{
    private static readonly object LackedKey = new();

    public static bool IsGranted(ClaimsPrincipal user, string scope) =>
        user.FindAll("scope").Any(claim => claim.Value.Split(' ').Contains(scope, StringComparer.Ordinal));

    /// <summary>The scopes that the request was refused for, space separated, or null when it was for something else.</summary>
    public static string? LackedBy(HttpContext context) => context.Items.TryGetValue(LackedKey, out var lacked) ? lacked as string : null;

    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, ScopeRequirement requirement)
    {
        if (scopes.All(scope => IsGranted(context.User, scope)))
            context.Succeed(requirement);
        else if (context.Resource is HttpContext http)
            http.Items[LackedKey] = string.Join(' ', scopes);
        return Task.CompletedTask;
    }

    /// <summary>What the log says of the refusal.</summary>
    public override string ToString() => $"Requires the scopes {string.Join(' ', scopes)}";
}
