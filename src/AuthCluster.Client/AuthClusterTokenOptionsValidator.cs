using Microsoft.Extensions.Options;

namespace AuthCluster.Client;

/// <summary>Refuses options that can't work, in words that name the option and the accepted form, and never a secret.</summary>
internal sealed class AuthClusterTokenOptionsValidator : IValidateOptions<AuthClusterTokenOptions>
{
    public ValidateOptionsResult Validate(string? name, AuthClusterTokenOptions options)
    {
        var problems = Problems(options).ToArray();
        return problems.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }

    private static IEnumerable<string> Problems(AuthClusterTokenOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Issuer) && string.IsNullOrWhiteSpace(options.TokenEndpoint))
            yield return "Issuer: missing; give the issuer's URL, or the token endpoint's as TokenEndpoint.";
        foreach (var (key, value) in new[] { (nameof(options.Issuer), options.Issuer), (nameof(options.TokenEndpoint), options.TokenEndpoint) })
        {
            if (!string.IsNullOrWhiteSpace(value) && ServerAddress.Problem(value, options.AllowPlainHttp) is { } problem)
                yield return $"{key}: {problem}";
        }

        if (string.IsNullOrWhiteSpace(options.ClientId))
            yield return "ClientId: missing; give the registered client's id.";

        var secrets = (string.IsNullOrEmpty(options.ClientSecret) ? 0 : 1) + (string.IsNullOrEmpty(options.ClientSecretFile) ? 0 : 1) + (options.SecretReader is null ? 0 : 1);
        if (secrets != 1)
            yield return $"ClientSecret: {(secrets == 0 ? "missing" : "given more than once")}; give one of ClientSecret, ClientSecretFile and ReadSecretWith.";

        if (!Enum.IsDefined(options.Authentication))
            yield return "Authentication: unknown; Basic or Post.";
        if (options.AttemptTimeout < TimeSpan.FromSeconds(1) || options.AttemptTimeout > TimeSpan.FromMinutes(2))
            yield return "AttemptTimeout: out of range; 00:00:01 to 00:02:00.";
        if (options.Timeout < TimeSpan.FromSeconds(1) || options.Timeout > TimeSpan.FromMinutes(10))
            yield return "Timeout: out of range; 00:00:01 to 00:10:00.";
        if (options.MaxRetries is < 0 or > 10)
            yield return "MaxRetries: out of range; 0 to 10.";
    }
}
