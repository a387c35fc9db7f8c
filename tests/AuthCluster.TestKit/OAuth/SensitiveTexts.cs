using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace AuthCluster.TestKit.OAuth;

/// <summary>Every secret of a test run, in every spelling in which a careless log could hold it.</summary>
public sealed class SensitiveTexts
{
    private readonly ConcurrentDictionary<string, string> _spellings = new(StringComparer.Ordinal);

    /// <summary>Remembers a client's secret plain, in forms and in Basic headers, and its digest, which is as good inside the cluster.</summary>
    public void Add(TestClient client)
    {
        ArgumentNullException.ThrowIfNull(client);
        var of = $"the secret of {client.Id}";
        AddSecret(client.Secret, of);
        _spellings.TryAdd(TokenEndpointCaller.BasicHeader(client)["Basic ".Length..], of + " in a Basic header");
        _spellings.TryAdd(TokenEndpointCaller.Basic($"{client.Id}:{client.Secret}")["Basic ".Length..], of + " in a raw Basic header");
    }

    /// <summary>Remembers a secret that belongs to nobody.</summary>
    public void AddSecret(string secret, string of)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(secret));
        _spellings.TryAdd(secret, of);
        _spellings.TryAdd(Uri.EscapeDataString(secret), of + ", form-encoded");
        _spellings.TryAdd(Convert.ToHexString(digest), $"the digest of {of}, in hex");
        _spellings.TryAdd(Convert.ToBase64String(digest), $"the digest of {of}, in base64");
        _spellings.TryAdd(System.Buffers.Text.Base64Url.EncodeToString(digest), $"the digest of {of}, in base64url");
    }

    /// <summary>Remembers a token, by its signature, so that a piece of it is found too.</summary>
    public void AddToken(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        _spellings.TryAdd(token[(token.LastIndexOf('.') + 1)..], "the signature of a token");
        _spellings.TryAdd(token[..token.LastIndexOf('.')], "the content of a token");
    }

    /// <summary>Names the secrets that <paramref name="text"/> contains, in upper or lower case: hex may have either.</summary>
    public IReadOnlyList<string> FoundIn(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return [.. _spellings.Where(known => text.Contains(known.Key, StringComparison.OrdinalIgnoreCase)).Select(known => known.Value).Order(StringComparer.Ordinal)];
    }
}
