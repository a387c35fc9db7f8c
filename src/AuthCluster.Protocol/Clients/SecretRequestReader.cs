using System.Collections.Immutable;
using System.Text.Json;
using AuthCluster.Protocol.Json;

namespace AuthCluster.Protocol.Clients;

/// <summary>A request to add a secret to a client. The server generates the secret.</summary>
public sealed record SecretRequest
{
    /// <summary>A label for people, up to 200 characters.</summary>
    public string? Label { get; init; }

    /// <summary>When the secret becomes valid; null for at once.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>When the secret expires; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When given, the client's other secrets expire after this time at the latest.</summary>
    public TimeSpan? RetireOthersAfter { get; init; }
}

/// <summary>Reads requests to add a secret from strict JSON; an empty body is a request without options.</summary>
public static class SecretRequestReader
{
    /// <summary>Longest time after which the other secrets expire: ten years.</summary>
    public const int MaxRetireOthersAfterSeconds = 315_360_000;

    private const string RetireOthersAfter = "retireOthersAfter";

    /// <summary>Reads a request.</summary>
    /// <param name="utf8">The body.</param>
    /// <param name="errors">What is wrong with it, by field; empty when nothing is.</param>
    /// <returns>The request, or null when there are errors.</returns>
    public static SecretRequest? Read(ReadOnlyMemory<byte> utf8, out ImmutableSortedDictionary<string, string> errors)
    {
        var found = new FieldErrors();
        var request = utf8.IsEmpty ? new SecretRequest() : Read(utf8, found);
        errors = found.ToImmutable();
        return found.Any ? null : request;
    }

    private static SecretRequest Read(ReadOnlyMemory<byte> utf8, FieldErrors errors)
    {
        var request = new SecretRequest();
        if (!StrictJson.TryParse(utf8, out var document, out var problem))
        {
            errors.Add(problem.Path, problem.Problem);
            return request;
        }

        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                errors.Add(StrictJson.Root, "Must be a JSON object.");
                return request;
            }

            foreach (var member in document.RootElement.EnumerateObject())
            {
                request = ReadMember(request, member, errors);
            }
        }

        ClientSecretsParse.CheckTimes("", request.NotBefore, request.ExpiresAt, errors);
        return request;
    }

    private static SecretRequest ReadMember(SecretRequest request, JsonProperty member, FieldErrors errors)
    {
        var (name, value) = (member.Name, member.Value);
        var isNull = value.ValueKind == JsonValueKind.Null;
        switch (name)
        {
            case ClientMembers.Label or ClientMembers.NotBefore or ClientMembers.ExpiresAt or RetireOthersAfter when isNull:
                return request;
            case ClientMembers.Label:
                return request with { Label = ClientSecretsParse.ReadLabel(name, value, errors) };
            case ClientMembers.NotBefore:
                return request with { NotBefore = errors.Time(name, value) };
            case ClientMembers.ExpiresAt:
                return request with { ExpiresAt = errors.Time(name, value) };
            case RetireOthersAfter:
                return request with
                {
                    RetireOthersAfter = errors.Number(name, value, 0, MaxRetireOthersAfterSeconds) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
                };
            default:
                errors.AddUnknown(
                    StrictJson.InPath(name), "this request",
                    ClientMembers.Label, ClientMembers.NotBefore, ClientMembers.ExpiresAt, RetireOthersAfter);
                return request;
        }
    }
}
