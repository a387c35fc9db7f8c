using System.Text;
using AuthCluster.Protocol.Requests;

namespace AuthCluster.UnitTests.Requests;

/// <summary>Requests for the parsers' tests.</summary>
internal static class FormRequests
{
    public const string Form = "application/x-www-form-urlencoded";
    public const string Grant = "grant_type=client_credentials";
    public const string Good = Grant + "&client_id=orders&client_secret=s3cr3t";

    public static ParsedRequest<TokenRequest> Parse(string body, string? authorization = null, string? contentType = Form, string query = "") =>
        Parse(Encoding.UTF8.GetBytes(body), authorization, contentType, query);

    public static ParsedRequest<TokenRequest> Parse(byte[] body, string? authorization = null, string? contentType = Form, string query = "") =>
        Parse(body, authorization is null ? [] : [authorization], contentType, query);

    public static ParsedRequest<TokenRequest> Parse(byte[] body, string?[] authorization, string? contentType = Form, string query = "") =>
        TokenRequestParser.Parse(Input(body, authorization, contentType, query));

    public static FormInput Input(byte[] body, string?[] authorization, string? contentType, string query) =>
        new() { Body = body, Authorization = authorization, ContentType = contentType, QueryString = query };

    public static string Basic(string pair) => "Basic " + Convert.ToBase64String(Encoding.Latin1.GetBytes(pair));

    public static string Secret(this TokenRequest request) => Encoding.UTF8.GetString(request.Client.Secret.Span);
}
