using AuthCluster.Web.Tokens;

namespace AuthCluster.UnitTests.Tokens;

/// <summary><c>jti</c> (RFC 7519 section 4.1.7, RFC 9068 section 2.2).</summary>
public sealed class TokenIdTests
{
    [Fact]
    public void A_million_ids_made_side_by_side_are_all_different_and_of_128_bits()
    {
        var ids = Enumerable.Range(0, 4).AsParallel().SelectMany(_ => Enumerable.Range(0, 250_000).Select(_ => TokenId.New())).ToList();

        Assert.Equal(1_000_000, ids.Distinct(StringComparer.Ordinal).Count());
        Assert.All(ids.Take(100), id => Assert.Equal(16, System.Buffers.Text.Base64Url.DecodeFromChars(id).Length));
    }
}
