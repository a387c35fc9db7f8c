namespace AuthCluster.Client.Tokens;

/// <summary>What a token is for. The cache is keyed by it.</summary>
/// <param name="Scope">The scopes, space separated, in any order; null for those of the options.</param>
/// <param name="Audience">The audience, or several, space separated; null for that of the options.</param>
public readonly record struct TokenTarget(string? Scope = null, string? Audience = null)
{
    /// <summary>The same target spelled in one way: no repeats, ordinal order.</summary>
    internal TokenTarget Normalized() => new(Normalized(Scope), Normalized(Audience));

    private static string? Normalized(string? words) =>
        words is null || !words.Contains(' ', StringComparison.Ordinal)
            ? words
            : string.Join(' ', words.Split(' ', StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
}
