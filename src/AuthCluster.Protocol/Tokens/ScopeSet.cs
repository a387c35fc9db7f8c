using System.Buffers;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace AuthCluster.Protocol.Tokens;

/// <summary>
/// An ordered set of scopes (RFC 6749 section 3.3). Case-sensitive. Immutable.
/// </summary>
public sealed class ScopeSet : IEquatable<ScopeSet>
{
    /// <summary>Most scopes that a client can have.</summary>
    public const int MaxScopes = 200;

    /// <summary>Longest scope of a client, in characters.</summary>
    public const int MaxScopeLength = 128;

    /// <summary>No scope.</summary>
    public static readonly ScopeSet Empty = new([]);

    /// <summary>Up to this many scopes, comparing one after the other is faster than hashing.</summary>
    private const int LinearSearch = 8;

    private static readonly SearchValues<char> TokenCharacters = SearchValues.Create(
        [.. Enumerable.Range(0x21, 0x7F - 0x21).Select(code => (char)code).Where(character => character is not ('"' or '\\'))]);

    private readonly FrozenDictionary<string, int>? _positions;
    private readonly string _text;

    private ScopeSet(ImmutableArray<string> items)
    {
        Items = items;
        _text = string.Join(' ', items);
        HasServerScope = items.Any(ServerScopes.IsReserved);
        if (items.Length > LinearSearch)
        {
            _positions = items.Select((scope, position) => KeyValuePair.Create(scope, position)).ToFrozenDictionary(StringComparer.Ordinal);
        }
    }

    /// <summary>The scopes, in order.</summary>
    public ImmutableArray<string> Items { get; }

    /// <summary>The number of scopes.</summary>
    public int Count => Items.Length;

    /// <summary>Whether the set has one of this server's own scopes (<c>authcluster:…</c>).</summary>
    public bool HasServerScope { get; }

    /// <summary>A set of these scopes, in the order of their first appearance; a repeated scope counts once.</summary>
    /// <exception cref="ArgumentException">One of them is no scope token.</exception>
    public static ScopeSet Of(params IEnumerable<string> scopes)
    {
        var items = scopes.Distinct(StringComparer.Ordinal).ToImmutableArray();
        if (items.IsEmpty)
        {
            return Empty;
        }

        return items.All(IsScopeToken) ? new ScopeSet(items) : throw new ArgumentException("Not a scope token (RFC 6749 section 3.3).", nameof(scopes));
    }

    /// <summary>Whether a text is one scope token: <c>1*( %x21 / %x23-5B / %x5D-7E )</c> (RFC 6749 section 3.3).</summary>
    public static bool IsScopeToken([NotNullWhen(true)] string? text) =>
        !string.IsNullOrEmpty(text) && !text.AsSpan().ContainsAnyExcept(TokenCharacters);

    /// <summary>
    /// Grants scopes (RFC 6749 section 3.3): all requested scopes or, when none are requested, the default scopes. The granted
    /// scopes are in the order of registration.
    /// </summary>
    /// <param name="registered">The client's scopes.</param>
    /// <param name="defaults">The scopes that the client gets when it asks for none; a subset of <paramref name="registered"/>.</param>
    /// <param name="requested">The requested scopes, in any order, repeats allowed; null when none are requested.</param>
    /// <param name="granted">The granted scopes.</param>
    /// <returns>False when a requested scope is not registered: then no scope is granted.</returns>
    public static bool TryGrant(
        ScopeSet registered, ScopeSet defaults, ImmutableArray<string>? requested, [NotNullWhen(true)] out ScopeSet? granted)
    {
        var wanted = requested ?? defaults.Items;
        if (requested is null && registered.ListsInOrder(defaults))
        {
            granted = defaults;
            return true;
        }

        var chosen = new bool[registered.Count];
        var count = 0;
        foreach (var scope in wanted)
        {
            var position = registered.PositionOf(scope);
            if (position < 0)
            {
                granted = null;
                return false;
            }

            count += chosen[position] ? 0 : 1;
            chosen[position] = true;
        }

        granted = count == registered.Count ? registered : registered.Choose(chosen, count);
        return true;
    }

    /// <summary>The scopes, separated by one space: the value of <c>scope</c>.</summary>
    public override string ToString() => _text;

    /// <summary>Whether both have the same scopes in the same order.</summary>
    public bool Equals(ScopeSet? other) => other is not null && _text == other._text;

    /// <summary>Whether both have the same scopes in the same order.</summary>
    public override bool Equals(object? obj) => Equals(obj as ScopeSet);

    /// <summary>The hash of the text.</summary>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(_text);

    /// <summary>
    /// Splits a value of <c>scope</c> into distinct scope tokens: those that one space separates (RFC 6749 section 3.3). A text with a leading,
    /// trailing or double space is malformed. A repeated scope counts once.
    /// </summary>
    internal static ScopeReading TrySplit(string text, int maxCount, out ImmutableArray<string> items)
    {
        items = [];
        if (!text.Contains(' ', StringComparison.Ordinal))
        {
            items = [text];
            return IsScopeToken(text) ? ScopeReading.Good : ScopeReading.Malformed;
        }

        var found = ImmutableArray.CreateBuilder<string>(4);
        HashSet<string>? seen = null;
        foreach (var range in text.AsSpan().Split(' '))
        {
            var token = text.AsSpan(range);
            if (token.IsEmpty || token.ContainsAnyExcept(TokenCharacters))
            {
                return ScopeReading.Malformed;
            }

            if (seen?.GetAlternateLookup<ReadOnlySpan<char>>().Contains(token) ?? Holds(found, token))
            {
                continue;
            }

            if (found.Count == maxCount)
            {
                return ScopeReading.TooMany;
            }

            found.Add(token.ToString());
            seen?.Add(found[^1]);
            seen ??= found.Count > LinearSearch ? new HashSet<string>(found, StringComparer.Ordinal) : null;
        }

        items = found.DrainToImmutable();
        return ScopeReading.Good;
    }

    private static bool Holds(ImmutableArray<string>.Builder found, ReadOnlySpan<char> token)
    {
        for (var position = 0; position < found.Count; position++)
        {
            if (token.SequenceEqual(found[position]))
            {
                return true;
            }
        }

        return false;
    }

    private bool ListsInOrder(ScopeSet subset)
    {
        var last = -1;
        foreach (var scope in subset.Items)
        {
            var position = PositionOf(scope);
            if (position <= last)
            {
                return false;
            }

            last = position;
        }

        return true;
    }

    private int PositionOf(string scope)
    {
        if (_positions is not null)
        {
            return _positions.TryGetValue(scope, out var position) ? position : -1;
        }

        for (var position = 0; position < Items.Length; position++)
        {
            if (Items[position] == scope)
            {
                return position;
            }
        }

        return -1;
    }

    private ScopeSet Choose(bool[] chosen, int count)
    {
        if (count == 0)
        {
            return Empty;
        }

        var items = ImmutableArray.CreateBuilder<string>(count);
        for (var position = 0; position < chosen.Length; position++)
        {
            if (chosen[position])
            {
                items.Add(Items[position]);
            }
        }

        return new ScopeSet(items.MoveToImmutable());
    }
}

/// <summary>The result of reading a value of <c>scope</c>.</summary>
internal enum ScopeReading
{
    Good,
    Malformed,
    TooMany,
}
