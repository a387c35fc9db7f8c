using System.Text.Json.Serialization;

namespace AuthCluster.Benchmarks.Steps;

/// <summary>The answer of the token endpoint, as System.Text.Json writes it.</summary>
internal sealed record LibraryAnswer(string AccessToken, string TokenType, long ExpiresIn, string Scope);

/// <summary>The payload of an access token, as System.Text.Json writes it.</summary>
internal sealed record LibraryPayload(string Iss, string Sub, string ClientId, string Aud, string Scope, long Iat, long Exp, string Jti, long Gen);

/// <summary>The library's way, to compare with.</summary>
[JsonSerializable(typeof(LibraryAnswer))]
[JsonSerializable(typeof(LibraryPayload))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
internal sealed partial class LibraryJson : JsonSerializerContext;
