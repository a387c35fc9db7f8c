using System.Collections.Immutable;

namespace AuthCluster.Protocol.Tokens;

/// <summary>Chooses whom a token is for: its <c>aud</c> (RFC 8707 section 2, RFC 9068 section 3).</summary>
/// <remarks>
/// <para>Without a wish a token is for all of the client's audiences. A wish chooses among them, and nothing is
/// silently left out: one audience that the client may not have refuses the request.</para>
/// <para>A token with a scope of this server (<c>authcluster:…</c>) is for the issuer alone, whatever the client's
/// audiences are: else any API that receives it could use it here. Being registered for such a scope is the
/// permission to name the issuer. A wish for anything beside the issuer is refused then, rather than the scope
/// dropped: the caller would get another token than it asked for.</para>
/// </remarks>
public static class AudienceSelection
{
    /// <summary>The audiences that a client may have: those registered, or the default one when none are.</summary>
    public static ImmutableArray<string> Effective(ImmutableArray<string> registered, string defaultAudience) =>
        registered.IsDefaultOrEmpty ? [defaultAudience] : registered;

    /// <summary>Chooses.</summary>
    /// <param name="audiences">The audiences that the client may have, as <see cref="Effective"/> gives them.</param>
    /// <param name="requestedAudiences">Values of <c>audience</c>; default or empty for none.</param>
    /// <param name="requestedResources">Values of <c>resource</c>; default or empty for none.</param>
    /// <param name="granted">The granted scopes.</param>
    /// <param name="issuer">The issuer.</param>
    /// <param name="selected">Whom the token is for, at least one, in the order of registration.</param>
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
