using System.Collections.Immutable;
using System.Globalization;

namespace AuthCluster.Protocol.Requests;

/// <summary>
/// What a log may hold of a caller's own text. A secret may have come to stand anywhere in it, whole, in pieces or in another
/// encoding, so only what the server knows to be registered is logged as it is.
/// </summary>
public static class LoggableText
{
    private const int CharactersForOneShown = 8;
    private const int MaxShown = 3;

    /// <summary>
    /// The first characters of a text, at most an eighth of it and at most three, and its length, as <c>or...(18)</c>: an operator who
    /// looks for a misspelled id or scope finds it, and nobody reads a secret back.
    /// </summary>
    public static string Masked(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var shown = Math.Min(text.Length / CharactersForOneShown, MaxShown);
        return string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, shown)}...({text.Length})");
    }

    /// <summary>The scopes that a request asks for, with a space between each two.</summary>
    /// <param name="requested">What is asked for; null for nothing.</param>
    /// <param name="areRegistered">Whether all of them are known to be the client's; else each is masked.</param>
    public static string Scopes(ImmutableArray<string>? requested, bool areRegistered) =>
        requested is not { IsDefaultOrEmpty: false } scopes ? ""
        : string.Join(' ', scopes.Select(scope => areRegistered ? scope : Masked(scope)));
}
