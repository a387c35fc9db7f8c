using System.Collections.Immutable;

namespace AuthCluster.Contracts.Tokens;

/// <summary>How a client proved who it is (RFC 6749 section 2.3.1).</summary>
public enum AuthMethod
{
    /// <summary>HTTP Basic: <c>client_secret_basic</c>.</summary>
    ClientSecretBasic = 0,

    /// <summary>Credentials in the form body: <c>client_secret_post</c>.</summary>
    ClientSecretPost = 1,
}

/// <summary>What a client shows of its secret: never the secret itself.</summary>
/// <param name="Digest">SHA-256 of the presented secret's UTF-8 bytes, 32 bytes. As good as the password inside the cluster: never logged.</param>
/// <param name="Method">The authentication method that was used.</param>
/// <param name="Proofs">Answers to an earlier <see cref="SlowHashChallenge"/>; empty on the first try.</param>
[GenerateSerializer, Immutable, Alias("authcluster.presented-secret.v1")]
public sealed record PresentedSecret(
    [property: Id(0)] ImmutableArray<byte> Digest,
    [property: Id(1)] AuthMethod Method,
    [property: Id(2)] ImmutableArray<SlowHashProof> Proofs)
{
    /// <summary>Prints nothing of the digest.</summary>
    public override string ToString() => $"PresentedSecret({Method})";
}

/// <summary>The slow hashes that a given or imported secret may have.</summary>
public enum SlowHashAlgorithm
{
    /// <summary>No slow hash.</summary>
    None = 0,

    /// <summary>PBKDF2 with HMAC-SHA-1 (ASP.NET Identity v2).</summary>
    Pbkdf2Sha1 = 1,

    /// <summary>PBKDF2 with HMAC-SHA-256.</summary>
    Pbkdf2Sha256 = 2,

    /// <summary>PBKDF2 with HMAC-SHA-512.</summary>
    Pbkdf2Sha512 = 3,

    /// <summary>bcrypt.</summary>
    Bcrypt = 4,

    /// <summary>Argon2id (RFC 9106).</summary>
    Argon2id = 5,

    /// <summary>A plain SHA-512 of the secret: fast, but not the digest that travels, so it is proven like a slow one.</summary>
    Sha512 = 6,
}

/// <summary>Algorithm and work parameters of a slow hash.</summary>
/// <param name="Algorithm">The algorithm.</param>
/// <param name="Salt">The salt, raw bytes.</param>
/// <param name="Iterations">PBKDF2 rounds, bcrypt cost exponent or Argon2 passes.</param>
/// <param name="MemoryKib">Argon2 memory in KiB; 0 elsewhere.</param>
/// <param name="Parallelism">Argon2 lanes; 0 elsewhere.</param>
/// <param name="OutputBytes">Length of the derived value in bytes.</param>
[GenerateSerializer, Immutable, Alias("authcluster.slow-hash-parameters.v1")]
public sealed record SlowHashParameters(
    [property: Id(0)] SlowHashAlgorithm Algorithm,
    [property: Id(1)] ImmutableArray<byte> Salt,
    [property: Id(2)] int Iterations,
    [property: Id(3)] int MemoryKib,
    [property: Id(4)] int Parallelism,
    [property: Id(5)] int OutputBytes);

/// <summary>One slow hash that the front end must compute, because the grain has not seen this digest yet.</summary>
/// <param name="SecretId">The secret that the hash belongs to.</param>
/// <param name="Parameters">How to compute it.</param>
[GenerateSerializer, Immutable, Alias("authcluster.slow-hash-challenge.v1")]
public sealed record SlowHashChallenge(
    [property: Id(0)] string SecretId,
    [property: Id(1)] SlowHashParameters Parameters);

/// <summary>The front end's answer to a <see cref="SlowHashChallenge"/>.</summary>
/// <param name="SecretId">The challenged secret.</param>
/// <param name="Derived">What the hash gave for the presented secret.</param>
/// <param name="Strong">Whether the presented secret has 32 characters or more, so that a fast hash of it may be stored.</param>
[GenerateSerializer, Immutable, Alias("authcluster.slow-hash-proof.v1")]
public sealed record SlowHashProof(
    [property: Id(0)] string SecretId,
    [property: Id(1)] ImmutableArray<byte> Derived,
    [property: Id(2)] bool Strong)
{
    /// <summary>Prints nothing of the derived value.</summary>
    public override string ToString() => $"SlowHashProof({SecretId})";
}

/// <summary>Asks a client's grain to decide one token request (RFC 6749 section 4.4.2).</summary>
/// <param name="Secret">What the caller shows of the client's secret.</param>
/// <param name="ScopesAsked">Whether a <c>scope</c> parameter with a value was sent.</param>
/// <param name="Scopes">The requested scopes; empty when none were asked.</param>
/// <param name="Audiences">Values of <c>audience</c>.</param>
/// <param name="Resources">Values of <c>resource</c> (RFC 8707).</param>
[GenerateSerializer, Immutable, Alias("authcluster.issue-token.v1")]
public sealed record IssueTokenCommand(
    [property: Id(0)] PresentedSecret Secret,
    [property: Id(1)] bool ScopesAsked,
    [property: Id(2)] ImmutableArray<string> Scopes,
    [property: Id(3)] ImmutableArray<string> Audiences,
    [property: Id(4)] ImmutableArray<string> Resources);
