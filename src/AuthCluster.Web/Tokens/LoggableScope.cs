using System.Text;
using AuthCluster.Protocol.Clients;
using AuthCluster.Protocol.Tokens;

namespace AuthCluster.Web.Tokens;

/// <summary>The scope that was asked for, as a log may hold it: scopes are the caller's own text, in which a secret may have come to stand.</summary>
internal static class LoggableScope
{
    private const string Masked = "(masked)";

    /// <summary>The scopes that a request asks for, separated by spaces; empty when it asks for none.</summary>
    public static string Of(TokenRequest request)
    {
        if (request.RequestedScopes is not { IsDefaultOrEmpty: false } scopes)
        {
            return "";
        }

        var secret = Encoding.UTF8.GetString(request.Secret.Span);
        return string.Join(' ', scopes.Select(scope =>
            scope.Contains(secret, StringComparison.Ordinal) || scope.Contains(GeneratedSecret.Prefix, StringComparison.Ordinal) ? Masked : scope));
    }
}
