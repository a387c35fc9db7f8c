using System.Buffers;
using System.Text;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Protocol.Tokens;
using AuthCluster.Web.Http;
using AuthCluster.Web.Keys;
using AuthCluster.Web.Tokens;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace AuthCluster.Web.Admin;

/// <summary>
/// Admits a caller with an active token of this server, for this server, with the scope that the method needs (RFC 6750).
/// </summary>
/// <remarks>ASP.NET's authentication and authorization know no third outcome, which is 503: nobody knows now whether the token is active.</remarks>
internal sealed class AdminGate(KeyRing keys, TokenValidator validator, IssuedTokens issued, IssuerUri issuer, TimeProvider clock)
{
    private const string Scheme = "Bearer ";
    private const string Parameter = "access_token";
    private const string FormType = "application/x-www-form-urlencoded";

    private static readonly SearchValues<byte> Readable = SearchValues.Create([(byte)'\t', (byte)'\r', (byte)'\n', .. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (byte)c)]);

    /// <summary>Finds out who calls, and whether the call is refused. The body is read only after the token was accepted.</summary>
    /// <returns>The client id of an active token, and the refusal; null where there is none.</returns>
    public async Task<(string? Actor, AdminAnswer? Refusal)> AdmitAsync(HttpContext context)
    {
        var deadline = AdminDeadline.Begin(context, clock);
        var request = context.Request;
        var authorization = request.Headers.Authorization;
        if (authorization.Count > 1)
        {
            return (null, AdminProblem.SeveralTokens);
        }

        if (authorization is not [{ } header] || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return (null, AdminProblem.NoToken);
        }

        if (request.Query.ContainsKey(Parameter))
        {
            return (null, AdminProblem.SeveralTokens);
        }

        if (!await keys.WaitUntilUsableAsync(deadline.Left, context.RequestAborted))
        {
            return (null, AdminProblem.NothingDone);
        }

        if (await validator.ValidateAsync(header[Scheme.Length..].Trim()) is not { } token || !token.Audiences.Contains(issuer.Value))
        {
            return (null, AdminProblem.BadToken);
        }

        var scope = ScopeThatAdmits(token, request);
        var actor = token.ClientId.Value;
        return await issued.CheckAsync(token, scope, context.RequestAborted) switch
        {
            TokenStanding.Unknown => (null, AdminProblem.NothingDone),
            TokenStanding.Inactive => (null, AdminProblem.BadToken),
            _ when scope is null => (actor, AdminProblem.LacksScope(HttpMethods.IsGet(request.Method) ? ServerScopes.Read : ServerScopes.Admin)),
            _ => (actor, await CheckFormAsync(request)),
        };
    }

    /// <summary>
    /// The scope of the token that permits the request; null for none. The client must still be registered for it, or a former
    /// administrator could restore the scope with an old token.
    /// </summary>
    private static string? ScopeThatAdmits(ValidatedToken token, HttpRequest request) =>
        token.HasScope(ServerScopes.Admin) ? ServerScopes.Admin
        : token.HasScope(ServerScopes.Read) && HttpMethods.IsGet(request.Method) ? ServerScopes.Read
        : null;

    /// <summary>
    /// No call takes a form, but a form may repeat the token (RFC 6750 section 2.2), which is an <c>invalid_request</c> (section 3.1). So
    /// is a form that can't be read, since it may contain a token. Line ends are readable: JSON that was sent as a form by mistake, as
    /// curl does by default, is then refused with the media type to use.
    /// </summary>
    private async Task<AdminAnswer?> CheckFormAsync(HttpRequest request)
    {
        if (request.ContentType is not { } type || !type.StartsWith(FormType, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        if (!ContentCoding.IsNone(request)
            || await AdminBody.ReadAsync(request, clock) is not { Problem: null, Bytes: var bytes }
            || bytes.Span.ContainsAnyExcept(Readable))
        {
            return AdminProblem.FormUnreadable;
        }

        return QueryHelpers.ParseQuery(Encoding.ASCII.GetString(bytes.Span)).ContainsKey(Parameter) ? AdminProblem.SeveralTokens : null;
    }
}
