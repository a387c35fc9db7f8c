namespace AuthCluster.Protocol.Clients;

/// <summary>
/// Secrets that a person or another system chose: 16 to 256 characters of <c>%x20-7E</c> (RFC 6749 appendix A.2).
/// They may be guessable, so they get a slow hash. A secret in the form of a <see cref="GeneratedSecret"/> does not need one.
/// </summary>
public static class GivenSecret
{
    /// <summary>Shortest given secret, in characters.</summary>
    public const int MinLength = 16;

    /// <summary>Longest given secret, in characters.</summary>
    public const int MaxLength = 256;

    /// <summary>Whether a text may be a given secret.</summary>
    public static bool IsAcceptable(string? text) =>
        text is not null
        && text.Length is >= MinLength and <= MaxLength
        && !text.AsSpan().ContainsAnyExceptInRange(' ', '~');
}
