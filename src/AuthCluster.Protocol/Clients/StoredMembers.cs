using System.Text.Json;

namespace AuthCluster.Protocol.Clients;

/// <summary>
/// The members of what a new document replaces. Those that this version does not know were written by a newer one, and stay as they are.
/// </summary>
/// <param name="Element">The object; null where nothing is replaced.</param>
internal readonly record struct StoredMembers(JsonElement? Element)
{
    /// <summary>Whether a member is there with this value.</summary>
    public bool Has(string name, JsonElement value) => Find(name) is { } stored && JsonElement.DeepEquals(stored, value);

    /// <summary>The members of a member.</summary>
    public StoredMembers In(string name) => new(Find(name));

    private JsonElement? Find(string name) =>
        Element is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty(name, out var member) ? member : null;
}
