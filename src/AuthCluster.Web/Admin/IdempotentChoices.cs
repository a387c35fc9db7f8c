using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using AuthCluster.Contracts.Admin;
using AuthCluster.Protocol.Keys;
using AuthCluster.Web.Keys;

namespace AuthCluster.Web.Admin;

/// <summary>An <c>Idempotency-Key</c> with the request that it came with.</summary>
/// <param name="Hash">SHA-256 of actor, path and key.</param>
/// <param name="BodyHash">HMAC-SHA-256 of the body, which may hold a given secret, under a key that only a holder of the key-encryption key can derive.</param>
/// <param name="EncryptionKey">What only a holder of the key-encryption key and of this key can derive.</param>
internal sealed record IdempotencyKey(ImmutableArray<byte> Hash, ImmutableArray<byte> BodyHash, byte[] EncryptionKey)
{
    /// <summary>What the client's grain remembers of it.</summary>
    public string Id => Convert.ToHexStringLower(Hash.AsSpan());

    public override string ToString() => nameof(IdempotencyKey);
}

/// <summary>
/// Repeats under an <c>Idempotency-Key</c>. What the server chose for a request (ids, times, the generated secret) is stored before
/// anything is created, so that a repeat creates the same and gets the same answer.
/// </summary>
internal sealed class IdempotentChoices(AdminGrains grains, KeyRing keys)
{
    public const string Header = "Idempotency-Key";

    private const string SecretKind = "idempotency";
    private const int MaxKeyLength = 255;

    /// <summary>Reads the key of a request; null when it has none.</summary>
    public (IdempotencyKey? Key, AdminAnswer? Problem) Read(AdminRequest request, string path, ReadOnlySpan<byte> body)
    {
        var header = request.Http.Request.Headers[Header];
        if (header.Count == 0)
        {
            return (null, null);
        }

        if (header is not [{ Length: >= 1 and <= MaxKeyLength } text] || text.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return (null, AdminProblem.Invalid(Header, "Must be one value of 1 to 255 printable ASCII characters without spaces."));
        }

        var key = Encoding.ASCII.GetBytes(text);
        // No part contains a NUL, so two different triples never give the same text.
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{request.Actor}\0{path}\0{text}"));
        var salt = SHA256.HashData(key);
        var bodyKey = keys.DeriveKey(salt, "authcluster idempotency body"u8);
        return (
            new IdempotencyKey([.. hash], [.. HMACSHA256.HashData(bodyKey, body)], keys.DeriveKey(salt, "authcluster idempotency"u8)),
            null);
    }

    /// <summary>Stores the choices, or gets those of the first time.</summary>
    /// <returns>The choices and the secret, or the problem.</returns>
    public async Task<(IdempotencyChoice? Choice, string? Secret, AdminAnswer? Problem)> ChooseAsync(
        IdempotencyKey key, string clientId, string secretId, string? secret, DateTimeOffset now)
    {
        var id = key.Id;
        var mine = new IdempotencyChoice
        {
            KeyHash = key.Hash,
            BodyHash = key.BodyHash,
            ClientId = clientId,
            SecretId = secretId,
            EncryptedSecret = secret is null
                ? []
                : [.. KeyWrap.Wrap(key.EncryptionKey, SecretKind, id, Encoding.UTF8.GetBytes(secret), RandomNumberGenerator.GetBytes(KeyWrap.NonceBytes))],
            CreatedAt = now,
        };
        var answer = await grains.AskAsync(
            () => grains.Idempotency.ChooseAsync(mine, CancellationToken.None), new IdempotencyAnswer((IdempotencyChoice?)null));
        if (answer.Choice is not { } choice)
        {
            return (null, null, AdminProblem.NothingDone);
        }

        if (!choice.BodyHash.AsSpan().SequenceEqual(key.BodyHash.AsSpan()))
        {
            return (null, null, AdminProblem.KeyReused);
        }

        if (choice.EncryptedSecret.IsEmpty)
        {
            return (choice, null, null);
        }

        return KeyWrap.TryUnwrap(key.EncryptionKey, SecretKind, id, choice.EncryptedSecret.AsSpan(), out var plain)
            ? (choice, Encoding.UTF8.GetString(plain), null)
            : throw new CryptographicException("The secret of an Idempotency-Key can't be decrypted: the key-encryption key was changed within the hour.");
    }

    /// <summary>
    /// Answers a problem. After a refusal the key may be used anew; after an unknown outcome it is kept, so that a repeat finds its choices.
    /// </summary>
    public async Task<AdminAnswer> RefuseAsync(IdempotencyKey? key, AdminAnswer problem)
    {
        if (problem.Status < 500 && key is not null)
        {
            await grains.AskAsync(() => grains.Idempotency.ForgetAsync(key.Hash, CancellationToken.None), new ForgetAnswer(false));
        }

        return problem;
    }
}
