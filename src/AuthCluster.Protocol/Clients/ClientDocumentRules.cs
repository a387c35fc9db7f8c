using System.Globalization;
using AuthCluster.Protocol.Json;
using AuthCluster.Protocol.Tokens;

namespace AuthCluster.Protocol.Clients;

/// <summary>What a client document may say: the syntax of its scopes and audiences, and the rules between its fields.</summary>
internal static class ClientDocumentRules
{
    /// <summary>What is wrong with a scope, as a sentence; null when nothing is.</summary>
    public static string? ProblemOfScope(string scope)
    {
        if (scope.Length > ScopeSet.MaxScopeLength || !ScopeSet.IsScopeToken(scope))
        {
            return "Must have 1 to 128 printable ASCII characters other than space, \" and \\.";
        }

        return ServerScopes.IsReserved(scope) && scope is not (ServerScopes.Admin or ServerScopes.Read or ServerScopes.Introspect)
            ? $"Is no scope of this server; those are {ServerScopes.Admin}, {ServerScopes.Read} and {ServerScopes.Introspect}."
            : null;
    }

    /// <summary>What is wrong with an audience, as a sentence; null when nothing is.</summary>
    public static string? ProblemOfAudience(string audience) =>
        Audience.IsAcceptable(audience) ? null : "Must be a name or an absolute URI without fragment, of 1 to 512 printable ASCII characters without space.";

    /// <summary>Notes the fields that contradict each other.</summary>
    /// <param name="document">The document, after its fields were read.</param>
    /// <param name="serverLifetimeSeconds">
    /// The server's own lifetime of tokens, for a client that names none. Null for a stored document, which was checked against the
    /// server's lifetime when it was stored.
    /// </param>
    /// <param name="errors">Where problems are noted.</param>
    public static void CheckBetweenFields(ClientDocument document, int? serverLifetimeSeconds, FieldErrors errors)
    {
        if (document.DefaultScopes is { } defaults)
        {
            var scopes = document.Scopes.ToHashSet(StringComparer.Ordinal);
            for (var i = 0; i < defaults.Length; i++)
            {
                if (!scopes.Contains(defaults[i]))
                {
                    errors.Add(
                        string.Create(CultureInfo.InvariantCulture, $"{ClientMembers.DefaultScopes}[{i}]"),
                        "Is not among scopes; add it there, or leave it out here.");
                }
            }
        }

        if ((document.TokenLifetimeSeconds ?? serverLifetimeSeconds) is { } lifetime && document.TokenReuseSeconds > lifetime / 2)
        {
            errors.Add(ClientMembers.TokenReuseSeconds, "Must be at most half the lifetime of a token.");
        }
    }
}
