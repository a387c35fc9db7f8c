using System.Collections.Immutable;
using System.Globalization;

namespace AuthCluster.Protocol.Requests;

/// <summary>
/// The form in which a log may show a caller's own text. The text may contain a secret by mistake: whole, in pieces or in another
/// encoding. So only text that the server knows to be registered is logged unchanged.
/// </summary>
public static class LoggableText
{
    private const int CharactersForOneShown = 8;
    private const int MaxShown = 3;

    /// <summary>
    /// The first characters of a text, at most an eighth of it and at most three, and its length, such as <c>or...(18)</c>. An operator
    /// can find a misspelled id or scope by it, and nobody can recover a secret from it.
    /// </summary>
    public static string Masked(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var shown = Math.Min(text.Length / CharactersForOneShown, MaxShown);
        return string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, shown)}...({text.Length})");
    }

    /// <summary>The scopes that a request asks for, separated by a space.</summary>
    /// <param name="requested">The requested scopes; null for none.</param>
    /// <param name="areRegistered">Whether all of them are known to be registered for the client; otherwise each is masked.</param>
    public static string Scopes(ImmutableArray<string>? requested, bool areRegistered) =>
        requested is not { IsDefaultOrEmpty: false } scopes ? ""
        : string.Join(' ', scopes.Select(scope => areRegistered ? scope : Masked(scope)));
}
