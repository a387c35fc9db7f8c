using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.StoredState;

namespace AuthCluster.Grains.Changes;

/// <summary>A client and a secret as the audit shows them before and after a change.</summary>
internal static class AuditShapes
{
    /// <summary>A client: its document and whether it is enabled; null for a tombstone.</summary>
    public static JsonElement? Of(ClientState state)
    {
        if (state.Document is not { } document)
        {
            return null;
        }

        var node = JsonObject.Create(document)!;
        node["enabled"] = state.Enabled;
        return JsonSerializer.SerializeToElement(node, AuditJson.Default.JsonObject);
    }

    /// <summary>A secret: its metadata alone.</summary>
    public static JsonElement Of(SecretState secret) => JsonSerializer.SerializeToElement(
        new AuditedSecret(
            secret.Id, secret.Kind, secret.Label, secret.CreatedAt.UtcDateTime, secret.NotBefore?.UtcDateTime, secret.ExpiresAt?.UtcDateTime),
        AuditJson.Default.AuditedSecret);
}

/// <summary>The metadata of a secret in the audit; times are UTC.</summary>
internal sealed record AuditedSecret(
    string SecretId,
    [property: JsonConverter(typeof(CamelCaseKind))] SecretKind Kind,
    string? Label,
    DateTime CreatedAt,
    DateTime? NotBefore,
    DateTime? ExpiresAt);

/// <summary>Writes the kind as the admin API does.</summary>
internal sealed class CamelCaseKind() : JsonStringEnumConverter<SecretKind>(JsonNamingPolicy.CamelCase);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AuditedSecret))]
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class AuditJson : JsonSerializerContext;
