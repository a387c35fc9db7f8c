using System.Collections.Immutable;
using System.Security.Cryptography;
using AuthCluster.Contracts.Keys;
using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Keys;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Web.Keys;
using AuthCluster.Web.Tokens;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.Tokens;

/// <summary>Tokens that are handed out again, also when there are more than the cache can hold.</summary>
public sealed class ReusableTokensTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ReusableTokens _tokens;

    public ReusableTokensTests()
    {
        var encryptionKey = RandomNumberGenerator.GetBytes(KeyWrap.KeyBytes);
        var ring = new KeyRing(encryptionKey);
        var wrapped = KeyWrap.Wrap(encryptionKey, KeyWrap.SigningKeyKind, "active", _key.ExportPkcs8PrivateKey(), RandomNumberGenerator.GetBytes(KeyWrap.NonceBytes));
        ring.Update(new KeySnapshotRecord(
            [new SigningKeyRecord { Kid = "active", Algorithm = "ES256", State = SigningKeyState.Active, WrappedPrivateKey = [.. wrapped], CreatedAt = _clock.GetUtcNow() }], 0));
        Assert.True(IssuerUri.TryParse("https://auth.example.com", out var issuer, out _));
        _tokens = new ReusableTokens(new TokenSigner(ring, issuer, _clock), _clock);
    }

    [Fact]
    public void A_young_token_is_handed_out_again_and_an_old_one_is_not()
    {
        var first = _tokens.GetOrSign("client", Grant("read"));

        _clock.Advance(TimeSpan.FromSeconds(59));
        var again = _tokens.GetOrSign("client", Grant("read"));
        Assert.Equal((first.Token, 3_600 - 59), (again.Token, again.ExpiresIn));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.NotEqual(first.Token, _tokens.GetOrSign("client", Grant("read")).Token);
    }

    [Fact]
    public void A_token_of_another_scope_generation_or_client_is_another_token()
    {
        var first = _tokens.GetOrSign("client", Grant("read")).Token;

        Assert.NotEqual(first, _tokens.GetOrSign("client", Grant("write")).Token);
        Assert.NotEqual(first, _tokens.GetOrSign("client", Grant("read") with { Generation = 2 }).Token);
        Assert.NotEqual(first, _tokens.GetOrSign("client", Grant("read") with { RevocationMark = 1 }).Token);
        Assert.NotEqual(first, _tokens.GetOrSign("another", Grant("read")).Token);
        Assert.Equal(first, _tokens.GetOrSign("client", Grant("read")).Token);
    }

    [Fact]
    public void A_client_that_reaches_its_bound_evicts_only_its_own_tokens()
    {
        var others = Enumerable.Range(0, 50).Select(i => (Id: $"other-{i}", _tokens.GetOrSign($"other-{i}", Grant("read")).Token)).ToList();

        for (var i = 0; i < 500; i++)
        {
            _tokens.GetOrSign("greedy", Grant(Large(i)));
        }

        Assert.InRange(_tokens.Bytes, 1, ReusableTokens.MaxBytesOfClient + (50 * 4_096));
        Assert.All(others, other => Assert.Equal(other.Token, _tokens.GetOrSign(other.Id, Grant("read")).Token));
        Assert.Equal(_tokens.GetOrSign("greedy", Grant(Large(499))).Token, _tokens.GetOrSign("greedy", Grant(Large(499))).Token);
    }

    [Fact]
    public void When_the_cache_is_full_the_oldest_tokens_leave_and_the_newest_stay()
    {
        var clients = ReusableTokens.MaxBytes / 50_000;
        for (var i = 0; i < clients * 2; i++)
        {
            _tokens.GetOrSign($"client-{i}", Grant(Large(0)));
            Assert.InRange(_tokens.Bytes, 1, ReusableTokens.MaxBytes);
        }

        var newest = $"client-{(clients * 2) - 1}";
        Assert.Equal(_tokens.GetOrSign(newest, Grant(Large(0))).Token, _tokens.GetOrSign(newest, Grant(Large(0))).Token);
        Assert.InRange(_tokens.Bytes, ReusableTokens.MaxBytes * 9L / 10, ReusableTokens.MaxBytes);
    }

    [Fact]
    public void The_cache_looks_for_tokens_to_drop_once_a_second_and_not_at_each_miss()
    {
        for (var i = 0; i < 200; i++)
        {
            _tokens.GetOrSign($"client-{i}", Grant("read"));
        }

        _clock.Advance(TimeSpan.FromSeconds(59.5));
        _tokens.GetOrSign("looks", Grant("read"));
        var before = _tokens.Bytes;

        _clock.Advance(TimeSpan.FromSeconds(0.6));
        _tokens.GetOrSign("comes within the second", Grant("read"));
        Assert.InRange(_tokens.Bytes, before, long.MaxValue);
        _clock.Advance(TimeSpan.FromSeconds(0.5));
        _tokens.GetOrSign("looks again", Grant("read"));

        Assert.InRange(_tokens.Bytes, 1, before / 50);
    }

    public void Dispose() => _key.Dispose();

    /// <summary>A scope that makes a token of some 40 KB.</summary>
    private static string Large(int number) => $"scope-{number} {string.Join(' ', Enumerable.Range(0, 90).Select(i => new string((char)('a' + (i % 26)), 100)))}";

    private static TokenGrant Grant(string scope) => new()
    {
        Scope = scope,
        Audiences = ImmutableArray.Create("https://api.example.com"),
        LifetimeSeconds = 3_600,
        Generation = 1,
        ReuseSeconds = 60,
    };
}
