using AuthCluster.Contracts.Tokens;
using AuthCluster.Protocol.Requests;
using AuthCluster.Web.OAuth;

namespace AuthCluster.UnitTests.OAuth;

/// <summary>What each refusal of a client's grain is called outside.</summary>
public sealed class RefusalMappingTests
{
    private static readonly Dictionary<Refusal, (int Status, string Code)> Expected = new()
    {
        [Refusal.UnknownClient] = (401, "invalid_client"),
        [Refusal.WrongSecret] = (401, "invalid_client"),
        [Refusal.SecretNotValidNow] = (401, "invalid_client"),
        [Refusal.ClientDisabled] = (401, "invalid_client"),
        [Refusal.MethodNotAllowed] = (401, "invalid_client"),
        [Refusal.GrantNotAllowed] = (400, "unauthorized_client"),
        [Refusal.ScopeNotAllowed] = (400, "invalid_scope"),
        [Refusal.TargetNotAllowed] = (400, "invalid_target"),
        [Refusal.RateLimited] = (429, "slow_down"),
        [Refusal.QuotaExceeded] = (429, "slow_down"),
    };

    [Fact]
    public void Every_refusal_has_its_public_error()
    {
        foreach (var refusal in Enum.GetValues<Refusal>().Where(refusal => refusal != Refusal.None))
        {
            var error = RefusalMapping.ErrorOf(refusal);
            Assert.Equal(Expected[refusal], (error.Status, error.Code));
        }
    }

    [Fact]
    public void Every_failed_authentication_gets_the_same_error_object() =>
        Assert.Single(Expected.Where(pair => pair.Value.Status == 401).Select(pair => RefusalMapping.ErrorOf(pair.Key)).Distinct<OAuthError>(ReferenceEqualityComparer.Instance));

    [Theory]
    [InlineData(Refusal.None)]
    [InlineData((Refusal)99)]
    public void A_value_that_is_no_refusal_has_no_public_error(Refusal refusal) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => RefusalMapping.ErrorOf(refusal));
}
