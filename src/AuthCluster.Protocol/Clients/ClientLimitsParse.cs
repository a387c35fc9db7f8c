using System.Collections.Immutable;
using System.Text.Json;
using AuthCluster.Protocol.Json;
using AuthCluster.Protocol.Limits;

namespace AuthCluster.Protocol.Clients;

/// <summary>Reads a client's <c>rateLimit</c> and <c>quota</c>: each is an object of two members of its own and <c>enforce</c>.</summary>
/// <param name="errors">Where problems are noted.</param>
/// <param name="refusesUnknown">Whether an unknown member is a problem; otherwise it is ignored.</param>
internal sealed class ClientLimitsParse(FieldErrors errors, bool refusesUnknown)
{
    /// <summary>Reads a rate limit; notes the problems and returns null when there are any.</summary>
    /// <param name="value">The rate limit.</param>
    /// <param name="stored">The stored rate limit that it replaces.</param>
    public ClientRateLimit? ReadRateLimit(JsonElement value, StoredMembers stored)
    {
        double? rate = null;
        long? burst = null;
        if (ReadObject(
            ClientMembers.RateLimit, value, stored,
            ClientMembers.TokensPerSecond, (path, member) => rate = ReadRate(path, member),
            ClientMembers.Burst, (path, member) => burst = errors.Number(path, member, 1, RateLimit.MaxBurst)) is not { } common)
        {
            return null;
        }

        if (rate is null)
        {
            errors.Add($"{ClientMembers.RateLimit}.{ClientMembers.TokensPerSecond}", "Is missing; give a number from 0.01 to 1,000,000, or leave rateLimit out.");
            return null;
        }

        return new ClientRateLimit { TokensPerSecond = rate.Value, RegisteredBurst = burst, Enforce = common.Enforce, Unknown = common.Unknown };
    }

    /// <summary>Reads a quota; notes the problems and returns null when there are any.</summary>
    /// <param name="value">The quota.</param>
    /// <param name="stored">The stored quota that it replaces.</param>
    public ClientQuota? ReadQuota(JsonElement value, StoredMembers stored)
    {
        long? tokens = null;
        QuotaPeriod? per = null;
        if (ReadObject(
            ClientMembers.Quota, value, stored,
            ClientMembers.Tokens, (path, member) => tokens = errors.Number(path, member, 1, QuotaBlock.MaxTokens),
            ClientMembers.Per, (path, member) => per = ReadPeriod(path, member)) is not { } common)
        {
            return null;
        }

        if (tokens is null)
        {
            errors.Add($"{ClientMembers.Quota}.{ClientMembers.Tokens}", "Is missing; give a whole number from 1 to 1,000,000,000,000, or leave quota out.");
        }

        if (per is null)
        {
            errors.Add($"{ClientMembers.Quota}.{ClientMembers.Per}", "Is missing; give hour, day or month, or leave quota out.");
        }

        return tokens is null || per is null
            ? null
            : new ClientQuota { Tokens = tokens.Value, Per = per, Enforce = common.Enforce, Unknown = common.Unknown };
    }

    /// <summary>Notes the members that a merge patch would remove from <c>rateLimit</c> or <c>quota</c> although these never have them.</summary>
    public void RefuseUnknownRemovals(string path, JsonElement patch)
    {
        if (patch.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        var (first, second) = path == ClientMembers.RateLimit
            ? (ClientMembers.TokensPerSecond, ClientMembers.Burst)
            : (ClientMembers.Tokens, ClientMembers.Per);
        foreach (var member in patch.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null && !IsKnown(member.Name, first, second))
            {
                RefuseUnknown(path, member.Name, first, second);
            }
        }
    }

    private static bool IsKnown(string name, string first, string second) => name == first || name == second || name == ClientMembers.Enforce;

    private void RefuseUnknown(string path, string name, string first, string second) =>
        errors.AddUnknown($"{path}.{StrictJson.InPath(name)}", path, first, second, ClientMembers.Enforce);

    /// <summary>Reads the members of a rate limit or quota; returns the members that both have, or null when the value is no object.</summary>
    private Common? ReadObject(
        string path,
        JsonElement value,
        StoredMembers stored,
        string firstName,
        Action<string, JsonElement> readFirst,
        string secondName,
        Action<string, JsonElement> readSecond)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            errors.Add(path, "Must be a JSON object.");
            return null;
        }

        var common = new Common(true, ClientDocument.NoMembers);
        foreach (var member in value.EnumerateObject().Where(member => member.Value.ValueKind != JsonValueKind.Null || !IsKnown(member.Name, firstName, secondName)))
        {
            var memberPath = $"{path}.{StrictJson.InPath(member.Name)}";
            if (member.Name == firstName)
            {
                readFirst(memberPath, member.Value);
            }
            else if (member.Name == secondName)
            {
                readSecond(memberPath, member.Value);
            }
            else if (member.Name == ClientMembers.Enforce)
            {
                common = common with { Enforce = errors.Flag(memberPath, member.Value) ?? true };
            }
            else if (stored.Has(member.Name, member.Value))
            {
                common = common with { Unknown = common.Unknown.SetItem(member.Name, member.Value.GetRawText()) };
            }
            else if (refusesUnknown)
            {
                RefuseUnknown(path, member.Name, firstName, secondName);
            }
        }

        return common;
    }

    private double? ReadRate(string path, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var rate) && RateLimit.IsValid(rate, 1))
        {
            return rate;
        }

        errors.Add(path, "Must be a number from 0.01 to 1,000,000.");
        return null;
    }

    private QuotaPeriod? ReadPeriod(string path, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String && QuotaPeriod.TryParse(value.GetString(), out var per))
        {
            return per;
        }

        errors.Add(path, "Must be hour, day or month.");
        return null;
    }

    private sealed record Common(bool Enforce, ImmutableSortedDictionary<string, string> Unknown);
}
