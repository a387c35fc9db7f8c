using System.Collections.Immutable;

namespace AuthCluster.Protocol.Tokens;

/// <summary>Chooses the audiences of a token: its <c>aud</c> (RFC 8707 section 2, RFC 9068 section 3).</summary>
/// <remarks>
/// <para>When a request names no audience, the token is for all of the client's audiences. A request may name some of
/// them. No audience is silently left out: a request that names an audience which the client may not have is refused.</para>
/// <para>A token with a scope of this server (<c>authcluster:…</c>) is for the issuer alone, whatever the client's
/// audiences are. Otherwise any API that receives the token could use it at this server. A client that is registered
/// for such a scope may name the issuer. When a token would have such a scope, a request that names another audience is
/// refused. To drop the scope instead would give the caller another token than it asked for.</para>
/// </remarks>
public static class AudienceSelection
{
    /// <summary>The audiences that a client may have: the registered ones, or the default audience when none are registered.</summary>
    public static ImmutableArray<string> Effective(ImmutableArray<string> registered, string defaultAudience) =>
        registered.IsDefaultOrEmpty ? [defaultAudience] : registered;

    /// <summary>Chooses the audiences.</summary>
    /// <param name="audiences">The audiences that the client may have, as <see cref="Effective"/> gives them.</param>
    /// <param name="requestedAudiences">Values of <c>audience</c>; default or empty for none.</param>
    /// <param name="requestedResources">Values of <c>resource</c>; default or empty for none.</param>
    /// <param name="granted">The granted scopes.</param>
    /// <param name="issuer">The issuer.</param>
    /// <param name="selected">The audiences of the token, at least one, in the order of registration.</param>
    /// <returns>False for <c>invalid_target</c>.</returns>
    public static bool TrySelect(
        ImmutableArray<string> audiences,
        ImmutableArray<string> requestedAudiences,
        ImmutableArray<string> requestedResources,
        ScopeSet granted,
        string issuer,
        out ImmutableArray<string> selected)
    {
        var permitted = granted.HasServerScope ? [issuer] : audiences;
        selected = permitted;
        if (requestedAudiences.IsDefaultOrEmpty && requestedResources.IsDefaultOrEmpty)
        {
            return true;
        }

        var chosen = new bool[permitted.Length];
        if (!Mark(permitted, requestedAudiences, chosen) || !Mark(permitted, requestedResources, chosen))
        {
            selected = [];
            return false;
        }

        if (chosen.Contains(false))
        {
            selected = [.. permitted.Where((_, position) => chosen[position])];
        }

        return true;
    }

    private static bool Mark(ImmutableArray<string> permitted, ImmutableArray<string> requested, bool[] chosen)
    {
        if (requested.IsDefaultOrEmpty)
        {
            return true;
        }

        foreach (var audience in requested)
        {
            var position = permitted.IndexOf(audience, 0, permitted.Length, StringComparer.Ordinal);
            if (position < 0)
            {
                return false;
            }

            chosen[position] = true;
        }

        return true;
    }
}
