using System.Collections.Immutable;
using System.Text.Json;
using AuthCluster.Protocol.Json;

namespace AuthCluster.Protocol.Clients;

/// <summary>Reads a client's metadata: names and values for people and tools.</summary>
internal static class ClientMetadataParse
{
    private const int MaxMembers = 50;
    private const int MaxNameLength = 64;
    private const int MaxValueLength = 1_000;

    /// <summary>Reads metadata, and notes the problems. A member that is null counts as absent.</summary>
    public static ImmutableSortedDictionary<string, string> Read(string path, JsonElement value, FieldErrors errors)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            errors.Add(path, "Must be a JSON object of strings.");
            return ClientDocument.NoMembers;
        }

        var metadata = ClientDocument.NoMembers.ToBuilder();
        foreach (var member in value.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            metadata[member.Name] = ReadMember($"{path}.{StrictJson.InPath(member.Name)}", member, errors);
            if (metadata.Count > MaxMembers)
            {
                errors.Add(path, "Must have at most 50 members.");
                return ClientDocument.NoMembers;
            }
        }

        return metadata.ToImmutable();
    }

    private static string ReadMember(string path, JsonProperty member, FieldErrors errors)
    {
        if (DisplayText.ProblemOf(member.Name, 1, MaxNameLength) is { } nameProblem)
        {
            errors.Add(path, "The name: " + nameProblem);
        }

        var text = errors.Text(path, member.Value);
        if (text is not null && DisplayText.ProblemOf(text, 0, MaxValueLength) is { } problem)
        {
            errors.Add(path, problem);
        }

        return text ?? "";
    }
}
