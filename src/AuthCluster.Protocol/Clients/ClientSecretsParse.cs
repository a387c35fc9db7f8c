using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using AuthCluster.Protocol.Json;

namespace AuthCluster.Protocol.Clients;

/// <summary>Reads the secrets that come with a new client: <c>secret</c>, <c>secretHash</c> or a list of <c>secrets</c>.</summary>
internal sealed class ClientSecretsParse(FieldErrors errors)
{
    private const int MaxLabel = 200;

    private readonly HashSet<string> _texts = new(StringComparer.Ordinal);
    private string? _only;

    /// <summary>What was read.</summary>
    public ImmutableArray<ClientSecretEntry> Entries { get; private set; } = [];

    /// <summary>Reads one of the three members; only one of them may be given.</summary>
    public void Read(string name, JsonElement value)
    {
        if (name == ClientMembers.Secrets && value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0)
        {
            return;
        }

        if (_only is not null)
        {
            errors.Add(name, $"Can't be given beside {_only}; give one of secret, secretHash and secrets.");
            return;
        }

        _only = name;
        Entries = name switch
        {
            ClientMembers.Secret => [new ClientSecretEntry { Secret = ReadSecret(name, value) }],
            ClientMembers.SecretHash => [new ClientSecretEntry { Hash = ReadHash(name, value) }],
            _ => ReadList(name, value),
        };
    }

    private ImmutableArray<ClientSecretEntry> ReadList(string path, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            errors.Add(path, "Must be a list of objects with secret or secretHash.");
            return [];
        }

        if (value.GetArrayLength() > ClientDocument.MaxSecrets)
        {
            errors.Add(path, $"Must have at most {ClientDocument.MaxSecrets} entries.");
            return [];
        }

        var entries = ImmutableArray.CreateBuilder<ClientSecretEntry>(value.GetArrayLength());
        foreach (var entry in value.EnumerateArray())
        {
            entries.Add(ReadEntry(string.Create(CultureInfo.InvariantCulture, $"{path}[{entries.Count}]"), entry));
        }

        return entries.MoveToImmutable();
    }

    private ClientSecretEntry ReadEntry(string path, JsonElement entry)
    {
        if (entry.ValueKind != JsonValueKind.Object)
        {
            errors.Add(path, "Must be an object with secret or secretHash.");
            return new ClientSecretEntry();
        }

        var read = new ClientSecretEntry();
        var given = 0;
        foreach (var member in entry.EnumerateObject())
        {
            var memberPath = $"{path}.{StrictJson.InPath(member.Name)}";
            var isNull = member.Value.ValueKind == JsonValueKind.Null;
            given += member.Name is ClientMembers.Secret or ClientMembers.SecretHash && !isNull ? 1 : 0;
            read = member.Name switch
            {
                _ when isNull && ClientMembers.OfSecretEntry.Contains(member.Name) => read,
                ClientMembers.Secret => read with { Secret = ReadSecret(memberPath, member.Value) },
                ClientMembers.SecretHash => read with { Hash = ReadHash(memberPath, member.Value) },
                ClientMembers.Label => read with { Label = ReadLabel(memberPath, member.Value, errors) },
                ClientMembers.NotBefore => read with { NotBefore = errors.Time(memberPath, member.Value) },
                ClientMembers.ExpiresAt => read with { ExpiresAt = errors.Time(memberPath, member.Value) },
                _ => Unknown(memberPath, read),
            };
        }

        if (given != 1)
        {
            errors.Add(path, "Must have either secret or secretHash.");
        }

        CheckTimes(path, read.NotBefore, read.ExpiresAt, errors);
        return read;
    }

    /// <summary>Reads a secret's label.</summary>
    internal static string? ReadLabel(string path, JsonElement value, FieldErrors errors)
    {
        var label = errors.Text(path, value);
        if (label is not null && DisplayText.ProblemOf(label, 0, MaxLabel) is { } problem)
        {
            errors.Add(path, problem);
        }

        return label;
    }

    /// <summary>A secret that ends before it begins could never be used.</summary>
    internal static void CheckTimes(string path, DateTimeOffset? notBefore, DateTimeOffset? expiresAt, FieldErrors errors)
    {
        if (notBefore >= expiresAt)
        {
            errors.Add(path.Length == 0 ? ClientMembers.ExpiresAt : $"{path}.{ClientMembers.ExpiresAt}", "Must be later than notBefore.");
        }
    }

    private string? ReadSecret(string path, JsonElement value)
    {
        if (errors.Text(path, value) is not { } text)
        {
            return null;
        }

        if (!GivenSecret.IsAcceptable(text))
        {
            errors.Add(path, "Must have 16 to 256 printable ASCII characters.");
        }
        else if (!_texts.Add(text))
        {
            errors.Add(path, "Is in the list already; name it once.");
        }

        return text;
    }

    private ImportedSecretHash? ReadHash(string path, JsonElement value)
    {
        if (errors.Text(path, value) is not { } text)
        {
            return null;
        }

        if (!ImportedSecretHash.TryParse(text, out var hash, out var problem))
        {
            errors.Add(path, char.ToUpperInvariant(problem[0]) + problem[1..] + ".");
        }
        else if (!_texts.Add(text))
        {
            errors.Add(path, "Is in the list already; name it once.");
        }

        return hash;
    }

    private ClientSecretEntry Unknown(string path, ClientSecretEntry read)
    {
        errors.AddUnknown(path, "a secret", [.. ClientMembers.OfSecretEntry]);
        return read;
    }
}
