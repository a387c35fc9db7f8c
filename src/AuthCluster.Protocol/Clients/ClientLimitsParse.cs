using System.Text.Json;
using AuthCluster.Protocol.Admin;
using AuthCluster.Protocol.Limits;

namespace AuthCluster.Protocol.Clients;

/// <summary>Reads a client's <c>rateLimit</c> and <c>quota</c>: objects of two members of their own and <c>enforce</c>.</summary>
/// <param name="errors">Where problems are noted.</param>
/// <param name="refusesUnknown">Whether a member that is not known is a problem, or passed over.</param>
internal sealed class ClientLimitsParse(FieldErrors errors, bool refusesUnknown)
{
    private const string RateLimitName = "rateLimit";
    private const string RateName = "tokensPerSecond";
    private const string BurstName = "burst";
    private const string TokensName = "tokens";
    private const string PerName = "per";
    private const string EnforceName = "enforce";

    /// <summary>Reads a rate limit; null with the problems noted.</summary>
    public ClientRateLimit? ReadRateLimit(string path, JsonElement value)
    {
        double? rate = null;
        long? burst = null;
        if (ReadObject(path, value, RateName, (name, member) => rate = ReadRate(name, member),
            BurstName, (name, member) => burst = errors.Number(name, member, 1, RateLimit.MaxBurst)) is not { } enforce)
        {
            return null;
        }

        if (rate is null)
        {
            errors.Add($"{path}.tokensPerSecond", "Is missing; give a number from 0.01 to 1,000,000, or leave rateLimit out.");
            return null;
        }

        return new ClientRateLimit { TokensPerSecond = rate.Value, RegisteredBurst = burst, Enforce = enforce };
    }

    /// <summary>Reads a quota; null with the problems noted.</summary>
    public ClientQuota? ReadQuota(string path, JsonElement value)
    {
        long? tokens = null;
        QuotaPeriod? per = null;
        if (ReadObject(path, value, TokensName, (name, member) => tokens = errors.Number(name, member, 1, QuotaBlock.MaxTokens),
            PerName, (name, member) => per = ReadPeriod(name, member)) is not { } enforce)
        {
            return null;
        }

        if (tokens is null)
        {
            errors.Add($"{path}.tokens", "Is missing; give a whole number from 1 to 1,000,000,000,000, or leave quota out.");
        }

        if (per is null)
        {
            errors.Add($"{path}.per", "Is missing; give hour, day or month, or leave quota out.");
        }

        return tokens is null || per is null ? null : new ClientQuota { Tokens = tokens.Value, Per = per, Enforce = enforce };
    }

    /// <summary>Notes the members that a merge patch would remove from <c>rateLimit</c> or <c>quota</c>, and that it has not.</summary>
    public void RefuseUnknownRemovals(string path, JsonElement patch)
    {
        if (patch.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        var (first, second) = path == RateLimitName ? (RateName, BurstName) : (TokensName, PerName);
        foreach (var member in patch.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null && !IsKnown(member.Name, first, second))
            {
                RefuseUnknown(path, member.Name, first, second);
            }
        }
    }

    private static bool IsKnown(string name, string first, string second) => name == first || name == second || name == EnforceName;

    private void RefuseUnknown(string path, string name, string first, string second) =>
        errors.AddUnknown($"{path}.{StrictJson.InPath(name)}", path, first, second, EnforceName);

    /// <summary>Reads the members of one object; gives whether it is enforced, or null where it is no object.</summary>
    private bool? ReadObject(
        string path, JsonElement value, string firstName, Action<string, JsonElement> readFirst, string secondName, Action<string, JsonElement> readSecond)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            errors.Add(path, "Must be a JSON object.");
            return null;
        }

        var enforce = true;
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
            else if (member.Name == EnforceName)
            {
                enforce = errors.Flag(memberPath, member.Value) ?? true;
            }
            else if (refusesUnknown)
            {
                RefuseUnknown(path, member.Name, firstName, secondName);
            }
        }

        return enforce;
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
}
