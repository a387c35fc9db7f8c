using System.Buffers.Text;
using System.Security.Cryptography;

namespace AuthCluster.Web.Tokens;

/// <summary>Ids of tokens (<c>jti</c>, RFC 7519 section 4.1.7).</summary>
public static class TokenId
{
    private const int Bytes = 16;

    /// <summary>A new id: 128 random bits in base64url, so that nodes need not agree on ids.</summary>
    public static string New()
    {
        Span<byte> random = stackalloc byte[Bytes];
        RandomNumberGenerator.Fill(random);
        return Base64Url.EncodeToString(random);
    }
}
