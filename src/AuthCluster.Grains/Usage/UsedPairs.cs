namespace AuthCluster.Grains.Usage;

/// <summary>
/// The pairs of secret and scopes that a client has used in one minute, so that each pair is noted once a minute. Bounded: a pair beyond the
/// bounds is noted at each use, which costs time and changes nothing.
/// </summary>
internal sealed class UsedPairs
{
    private const int MaxPairs = 32;
    private const int MaxCharacters = 16_384;

    private readonly List<(string SecretId, string Scope)> _pairs = new(2);
    private int _characters;
    private long _minute;

    /// <summary>Whether nothing is remembered.</summary>
    public bool IsEmpty => _pairs.Count == 0;

    /// <summary>Forgets the pairs unless they are of a minute.</summary>
    public void ForgetUnlessOf(long minute)
    {
        if (minute != _minute)
        {
            _minute = minute;
            _pairs.Clear();
            _characters = 0;
        }
    }

    /// <summary>Whether a pair is used for the first time in a minute; also true for a pair beyond the bounds.</summary>
    public bool IsNew(long minute, string secretId, string scope)
    {
        ForgetUnlessOf(minute);
        foreach (var pair in _pairs)
        {
            if (pair.Scope == scope && pair.SecretId == secretId)
            {
                return false;
            }
        }

        if (_pairs.Count < MaxPairs && _characters + scope.Length <= MaxCharacters)
        {
            _pairs.Add((secretId, scope));
            _characters += scope.Length;
        }

        return true;
    }
}
