using System.Security.Cryptography;
using AuthCluster.Contracts.Keys;
using AuthCluster.Protocol.Keys;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Web.Keys;
using AuthCluster.Web.Tokens;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace AuthCluster.UnitTests.Tokens;

/// <summary>
/// Which tokens the server accepts as its own (RFC 9068 section 4). Unless the test is about the signature, the token is signed
/// by a published key, so that it is refused for the fault that the test names and not for its signature.
/// </summary>
public sealed class TokenValidatorTests : IDisposable
{
    private const string Issuer = "https://auth.example.com";
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly JsonWebTokenHandler Handler = new() { SetDefaultTimesOnTokenCreation = false };

    private readonly FakeTimeProvider _clock = new(Now);
    private readonly ECDsa _active = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _revoked = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly TokenValidator _validator;

    public TokenValidatorTests()
    {
        var encryptionKey = RandomNumberGenerator.GetBytes(KeyWrap.KeyBytes);
        var ring = new KeyRing(encryptionKey);
        ring.Update(new KeySnapshotRecord([Record(_active, "active", SigningKeyState.Active, encryptionKey), Record(_revoked, "revoked", SigningKeyState.Revoked, encryptionKey)], 0));
        Assert.True(IssuerUri.TryParse(Issuer, out var issuer, out _));
        _validator = new TokenValidator(ring, issuer, _clock);
    }

    [Fact]
    public async Task A_token_as_the_server_issues_it_is_accepted()
    {
        var validated = await _validator.ValidateAsync(Token());

        Assert.NotNull(validated);
        Assert.Equal("orders", validated.ClientId.Value);
        Assert.Equal("an-id", validated.Jti);
        Assert.Equal(7, validated.Generation);
    }

    [Theory]
    [InlineData("JWT")]
    [InlineData("id+jwt")]
    [InlineData("logout+jwt")]
    public async Task Another_type_is_refused(string type) =>
        Assert.Null(await _validator.ValidateAsync(Token(descriptor => descriptor.TokenType = type)));

    [Theory]
    [InlineData("https://other.example.com")]
    [InlineData("https://auth.example.com/")]
    [InlineData("HTTPS://AUTH.EXAMPLE.COM")]
    public async Task Another_issuer_is_refused(string issuer) =>
        Assert.Null(await _validator.ValidateAsync(Token(descriptor => descriptor.Issuer = issuer)));

    [Fact]
    public async Task A_token_without_an_audience_is_refused() =>
        Assert.Null(await _validator.ValidateAsync(Token(descriptor => descriptor.Audience = null)));

    [Fact]
    public async Task An_expired_token_is_refused_from_the_second_of_its_end_on()
    {
        var token = Token(descriptor => descriptor.Expires = Now.AddSeconds(10).UtcDateTime);

        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.NotNull(await _validator.ValidateAsync(token));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await _validator.ValidateAsync(token));
    }

    [Fact]
    public async Task A_token_to_revoke_may_have_expired_or_begin_later_but_must_be_ours_and_have_an_end()
    {
        var ended = Token(descriptor => descriptor.Expires = Now.AddYears(-1).UtcDateTime);
        var later = Token(descriptor => descriptor.NotBefore = Now.AddMinutes(1).UtcDateTime);

        Assert.Equal("an-id", (await _validator.ValidateAtAnyTimeAsync(ended))?.Jti);
        Assert.Equal("an-id", (await _validator.ValidateAtAnyTimeAsync(later))?.Jti);
        Assert.Null(await _validator.ValidateAtAnyTimeAsync(Token(descriptor => descriptor.Expires = null)));
        Assert.Null(await _validator.ValidateAtAnyTimeAsync(Token(descriptor => descriptor.Issuer = "https://other.example.com")));
        Assert.Null(await _validator.ValidateAtAnyTimeAsync(Token(descriptor => descriptor.SigningCredentials = Credentials(_revoked, "revoked"))));
    }

    [Fact]
    public async Task A_token_without_an_end_is_refused() =>
        Assert.Null(await _validator.ValidateAsync(Token(descriptor => descriptor.Expires = null)));

    [Fact]
    public async Task A_token_that_is_not_valid_yet_is_refused() =>
        Assert.Null(await _validator.ValidateAsync(Token(descriptor => descriptor.NotBefore = Now.AddMinutes(1).UtcDateTime)));

    [Fact]
    public async Task A_token_with_an_extension_that_must_be_understood_is_refused() =>
        Assert.Null(await _validator.ValidateAsync(Token(descriptor => descriptor.AdditionalHeaderClaims["crit"] = (string[])["exp"])));

    [Fact]
    public async Task A_token_of_a_revoked_key_is_refused() =>
        Assert.Null(await _validator.ValidateAsync(Token(descriptor => descriptor.SigningCredentials = Credentials(_revoked, "revoked"))));

    [Fact]
    public async Task A_token_of_a_foreign_key_is_refused_whatever_its_key_id()
    {
        using var foreign = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        Assert.Null(await _validator.ValidateAsync(Token(descriptor => descriptor.SigningCredentials = Credentials(foreign, "active"))));
        Assert.Null(await _validator.ValidateAsync(Token(descriptor => descriptor.SigningCredentials = Credentials(foreign, "foreign"))));
    }

    [Fact]
    public async Task The_public_key_used_as_a_shared_secret_is_refused()
    {
        var secret = new SymmetricSecurityKey(_active.ExportSubjectPublicKeyInfo()) { KeyId = "active" };

        Assert.Null(await _validator.ValidateAsync(Token(descriptor => descriptor.SigningCredentials = new SigningCredentials(secret, SecurityAlgorithms.HmacSha256))));
    }

    [Fact]
    public async Task An_unsigned_token_is_refused() =>
        Assert.Null(await _validator.ValidateAsync(Token(descriptor => descriptor.SigningCredentials = null)));

    [Theory]
    [InlineData("client_id")]
    [InlineData("gen")]
    [InlineData("jti")]
    [InlineData("iat")]
    public async Task A_token_that_lacks_a_claim_which_every_issued_token_has_is_refused(string claim) =>
        Assert.Null(await _validator.ValidateAsync(Token(descriptor =>
        {
            descriptor.Claims.Remove(claim);
            descriptor.IssuedAt = claim == "iat" ? null : descriptor.IssuedAt;
        })));

    [Theory]
    [InlineData("")]
    [InlineData("acs_token")]
    [InlineData("a.b.c")]
    [InlineData("e30.e30.")]
    public async Task Text_that_is_no_token_is_refused(string text) => Assert.Null(await _validator.ValidateAsync(text));

    public void Dispose()
    {
        _active.Dispose();
        _revoked.Dispose();
    }

    private string Token(Action<SecurityTokenDescriptor>? change = null)
    {
        var descriptor = new SecurityTokenDescriptor
        {
            TokenType = "at+jwt",
            Issuer = Issuer,
            Audience = "https://api.example.com",
            IssuedAt = Now.UtcDateTime,
            Expires = Now.AddHours(1).UtcDateTime,
            SigningCredentials = Credentials(_active, "active"),
            AdditionalHeaderClaims = new Dictionary<string, object>(),
            Claims = new Dictionary<string, object> { ["sub"] = "orders", ["client_id"] = "orders", ["jti"] = "an-id", ["gen"] = 7L },
        };
        change?.Invoke(descriptor);
        return Handler.CreateToken(descriptor);
    }

    private static SigningCredentials Credentials(ECDsa key, string kid) => new(new ECDsaSecurityKey(key) { KeyId = kid }, SecurityAlgorithms.EcdsaSha256);

    private static SigningKeyRecord Record(ECDsa key, string kid, SigningKeyState state, byte[] encryptionKey) => new()
    {
        Kid = kid,
        Algorithm = "ES256",
        State = state,
        WrappedPrivateKey = [.. KeyWrap.Wrap(encryptionKey, KeyWrap.SigningKeyKind, kid, key.ExportPkcs8PrivateKey(), RandomNumberGenerator.GetBytes(KeyWrap.NonceBytes))],
        CreatedAt = Now,
    };
}
