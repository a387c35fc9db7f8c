using System.Text.Json;

namespace AuthCluster.Protocol.Clients;

/// <summary>
/// The members of the stored object that a new one replaces. A newer version wrote the members that this version does not know, so they
/// are kept unchanged.
/// </summary>
/// <param name="Element">The stored object; null when nothing is replaced.</param>
internal readonly record struct StoredMembers(JsonElement? Element)
{
    /// <summary>Whether the object has a member with this name and value.</summary>
    public bool Has(string name, JsonElement value) => Find(name) is { } stored && JsonElement.DeepEquals(stored, value);

    /// <summary>The members of the member with this name.</summary>
    public StoredMembers In(string name) => new(Find(name));

    private JsonElement? Find(string name) =>
        Element is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty(name, out var member) ? member : null;
}
