using System.Collections.Concurrent;
using AuthCluster.Contracts.Tokens;

namespace AuthCluster.Web.Tokens;

/// <summary>
/// Returns a recently signed token again to clients that are registered for it (<c>tokenReuseSeconds</c>), which saves the signature. The
/// client's grain has decided and counted each of these requests like any other.
/// </summary>
/// <remarks>
/// The held tokens are bounded in bytes, in all and for each client. So a client that asks for ever new scopes evicts its own tokens when it
/// reaches its bound, and leaves room for the others. When there is no room, the oldest token is evicted. Finding a token takes no lock; keeping a
/// token takes a short one.
/// </remarks>
/// <param name="signer">Signs what is not held.</param>
/// <param name="clock">The clock.</param>
public sealed class ReusableTokens(TokenSigner signer, TimeProvider clock)
{
    /// <summary>Largest memory that all held tokens take, in bytes.</summary>
    public const int MaxBytes = 32 * 1024 * 1024;

    /// <summary>Largest memory that the held tokens of one client take, in bytes.</summary>
    public const int MaxBytesOfClient = MaxBytes / 16;

    // The objects and nodes around the texts of one token.
    private const int BytesBesideTexts = 512;
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Key, Entry> _tokens = new();

    // All below is guarded by this lock.
    private readonly Lock _lock = new();
    private readonly LinkedList<Entry> _byAge = new();
    private readonly Dictionary<string, ClientShare> _byClient = new(StringComparer.Ordinal);
    private long _bytes;
    private long _sweptAt = clock.GetTimestamp();

    /// <summary>Memory that the held tokens take, in bytes.</summary>
    internal long Bytes => Volatile.Read(ref _bytes);

    /// <summary>A token for a grant: one that was signed lately, where the grant allows it, or a new one.</summary>
    public SignedToken GetOrSign(string clientId, TokenGrant grant)
    {
        if (grant.ReuseSeconds == 0)
        {
            return signer.Sign(clientId, grant);
        }

        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        var key = new Key(
            clientId, grant.Scope, string.Join('\n', grant.Audiences), grant.Generation, grant.RevocationMark, grant.LifetimeSeconds, grant.ClaimsJson, signer.ActiveKid);
        if (_tokens.TryGetValue(key, out var held) && held.CanBeUsed(now))
        {
            return held.Token with { ExpiresIn = (int)(held.Token.ExpiresAt - now) };
        }

        var signed = signer.Sign(clientId, grant);
        var entry = new Entry(key, signed, now, now + grant.ReuseSeconds);
        if (entry.Bytes <= MaxBytesOfClient)
        {
            lock (_lock)
            {
                Keep(entry, now);
            }
        }

        return signed;
    }

    private void Keep(Entry entry, long now)
    {
        if (clock.GetElapsedTime(_sweptAt) >= SweepEvery)
        {
            _sweptAt = clock.GetTimestamp();
            DropUseless(now);
        }

        if (_tokens.TryGetValue(entry.Key, out var old))
        {
            Drop(old);
        }

        if (!_byClient.TryGetValue(entry.Key.ClientId, out var share))
        {
            share = new ClientShare();
            _byClient[entry.Key.ClientId] = share;
        }

        while (share.Bytes + entry.Bytes > MaxBytesOfClient)
        {
            Drop(share.ByAge.First!.Value);
        }

        while (_bytes + entry.Bytes > MaxBytes)
        {
            Drop(_byAge.First!.Value);
        }

        // Dropping the client's last token removes its share, so put the share back.
        _byClient[entry.Key.ClientId] = share;
        share.Bytes += entry.Bytes;
        share.ByAge.AddLast(entry.InShare);
        _byAge.AddLast(entry.InAll);
        _bytes += entry.Bytes;
        _tokens[entry.Key] = entry;
    }

    private void DropUseless(long now)
    {
        for (var node = _byAge.First; node is not null;)
        {
            var next = node.Next;
            if (!node.Value.CanBeUsed(now))
            {
                Drop(node.Value);
            }

            node = next;
        }
    }

    private void Drop(Entry entry)
    {
        _tokens.TryRemove(entry.Key, out _);
        _byAge.Remove(entry.InAll);
        _bytes -= entry.Bytes;
        var share = _byClient[entry.Key.ClientId];
        share.ByAge.Remove(entry.InShare);
        share.Bytes -= entry.Bytes;
        if (share.Bytes == 0)
        {
            _byClient.Remove(entry.Key.ClientId);
        }
    }

    /// <summary>All that goes into a token. The generation and the mark are part of it, so that a revoked token is never returned again.</summary>
    private readonly record struct Key(
        string ClientId, string Scope, string Audiences, long Generation, long RevocationMark, int LifetimeSeconds, string? Claims, string Kid);

    /// <summary>The tokens of one client, the oldest first.</summary>
    private sealed class ClientShare
    {
        public LinkedList<Entry> ByAge { get; } = new();

        public long Bytes { get; set; }
    }

    private sealed class Entry
    {
        private readonly long _signedAt;
        private readonly long _reuseUntil;

        public Entry(Key key, SignedToken token, long signedAt, long reuseUntil)
        {
            Key = key;
            Token = token;
            _signedAt = signedAt;
            _reuseUntil = reuseUntil;
            Bytes = BytesBesideTexts + (sizeof(char) * (token.Token.Length + token.Jti.Length
                + key.ClientId.Length + key.Scope.Length + key.Audiences.Length + (key.Claims?.Length ?? 0)));
            InAll = new LinkedListNode<Entry>(this);
            InShare = new LinkedListNode<Entry>(this);
        }

        public Key Key { get; }

        public SignedToken Token { get; }

        public int Bytes { get; }

        public LinkedListNode<Entry> InAll { get; }

        public LinkedListNode<Entry> InShare { get; }

        /// <summary>Whether the time of its reuse is not over, and the clock was not set back to before its signature.</summary>
        public bool CanBeUsed(long now) => now < _reuseUntil && now >= _signedAt;
    }
}
