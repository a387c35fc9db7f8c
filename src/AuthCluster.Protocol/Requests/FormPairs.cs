namespace AuthCluster.Protocol.Requests;

/// <summary>Enumerates the pairs of an encoded form, including pairs without a name.</summary>
internal ref struct FormPairs(ReadOnlySpan<byte> form)
{
    private ReadOnlySpan<byte> _rest = form;
    private bool _ended = form.IsEmpty;

    public FormPair Current { get; private set; }

    public readonly FormPairs GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_ended)
        {
            return false;
        }

        var end = _rest.IndexOf((byte)'&');
        var pair = end < 0 ? _rest : _rest[..end];
        _ended = end < 0;
        _rest = end < 0 ? default : _rest[(end + 1)..];
        var equals = pair.IndexOf((byte)'=');
        Current = equals < 0 ? new FormPair(pair, default) : new FormPair(pair[..equals], pair[(equals + 1)..]);
        return true;
    }
}

/// <summary>One pair of a form, not decoded.</summary>
internal readonly ref struct FormPair(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
{
    public ReadOnlySpan<byte> Name { get; } = name;

    public ReadOnlySpan<byte> Value { get; } = value;
}
