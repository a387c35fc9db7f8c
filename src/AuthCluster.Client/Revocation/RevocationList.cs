using System.Collections.Concurrent;

namespace AuthCluster.Client.Revocation;

/// <summary>
/// The revocations in force. One writer, many readers. Items are only added, so applying one twice, or several in another order, gives the same list.
/// </summary>
internal sealed class RevocationList(TimeProvider clock)
{
    /// <summary>
    /// An item is kept this long past its end: validators accept a token for a clock skew after its own end, and until
    /// then it must stay revoked.
    /// </summary>
    private static readonly TimeSpan KeptPastEnd = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan SweepInterval = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, DateTimeOffset> _tokens = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Floor> _clients = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _keys = new(StringComparer.Ordinal);
    private long _all;
    private long _swept = clock.GetTimestamp();

    /// <summary>How many items are held.</summary>
    public int Count => _tokens.Count + _clients.Count + _keys.Count;

    public bool IsRevoked(in TokenIdentity token) =>
        token.Generation.GetValueOrDefault() < Volatile.Read(ref _all)
        || (token.KeyId is { } key && _keys.ContainsKey(key))
        || (token.ClientId is { } client && _clients.TryGetValue(client, out var floor) && token.Generation.GetValueOrDefault() < floor.Generation)
        || (token.Id is { } id && _tokens.ContainsKey(id));

    /// <summary>Takes an item in; false when it is of a kind that this version does not know, or says nothing.</summary>
    public bool Apply(FeedItem item)
    {
        var end = (item.ExpiresAt is { } expires && expires < DateTimeOffset.MaxValue - KeptPastEnd ? expires : DateTimeOffset.MaxValue - KeptPastEnd) + KeptPastEnd;
        switch (item)
        {
            case { Kind: "token", Value: { } id }:
                _tokens.AddOrUpdate(id, end, (_, known) => known > end ? known : end);
                return true;
            case { Kind: "client", Value: { } client, Gen: { } generation }:
                _clients.AddOrUpdate(client, new Floor(generation, end), (_, known) => new Floor(Math.Max(known.Generation, generation), known.End > end ? known.End : end));
                return true;
            case { Kind: "key", Value: { } kid }:
                _keys.AddOrUpdate(kid, end, (_, known) => known > end ? known : end);
                return true;
            case { Kind: "all", Gen: { } generation }:
                Volatile.Write(ref _all, Math.Max(_all, generation)); // never forgotten: it is one number
                return true;
            default:
                return false;
        }
    }

    /// <summary>Forgets, once a minute at most, what ended so long ago that no token it names can still be accepted.</summary>
    public void Sweep()
    {
        if (clock.GetElapsedTime(_swept) < SweepInterval)
            return;
        _swept = clock.GetTimestamp();
        var now = clock.GetUtcNow();
        foreach (var entry in _tokens.Where(entry => entry.Value < now))
            _tokens.TryRemove(entry);
        foreach (var entry in _clients.Where(entry => entry.Value.End < now))
            _clients.TryRemove(entry);
        foreach (var entry in _keys.Where(entry => entry.Value < now))
            _keys.TryRemove(entry);
    }

    private readonly record struct Floor(long Generation, DateTimeOffset End);
}
