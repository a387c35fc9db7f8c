using System.Collections.Immutable;
using System.Text.Json;
using AuthCluster.Protocol.Admin;
using AuthCluster.Protocol.Tokens;

namespace AuthCluster.Protocol.Clients;

/// <summary>Reads the members of one client document. One field, one method; the rules between fields come last.</summary>
internal sealed class ClientDocumentParse
{
    private const int MaxName = 200;
    private const int MaxMetadata = 50;
    private const int MaxMetadataName = 64;
    private const int MaxMetadataValue = 1_000;

    private readonly FieldErrors _errors = new();
    private readonly Mode _mode;
    private readonly ClientSecretsParse _secrets;
    private readonly ClientLimitsParse _limits;
    private ClientId? _id;
    private string? _name;
    private bool? _enabled;
    private ImmutableArray<string>? _grantTypes;
    private ImmutableArray<string>? _scopes;
    private ImmutableArray<string>? _defaultScopes;
    private ImmutableArray<string>? _audiences;
    private ImmutableArray<string>? _introspects;
    private int? _lifetime;
    private int _reuse;
    private ImmutableArray<ClientAuthMethod>? _authMethods;
    private ClientRateLimit? _rateLimit;
    private ClientQuota? _quota;
    private string? _claims;
    private ImmutableSortedDictionary<string, string> _metadata = ClientDocument.EmptyMetadata;

    private ClientDocumentParse(Mode mode, ClientId? id)
    {
        _mode = mode;
        _id = id;
        _secrets = new ClientSecretsParse(_errors);
        _limits = new ClientLimitsParse(_errors, refusesUnknown: mode != Mode.Stored);
    }

    private enum Mode
    {
        New,
        Replacement,
        Stored,
    }

    /// <summary>Reads a document to create a client from; without a generated id it has to name one.</summary>
    public static ClientDocumentReading New(JsonElement root, ClientId? generatedId, int serverLifetimeSeconds) =>
        new ClientDocumentParse(Mode.New, generatedId).Read(root, serverLifetimeSeconds);

    /// <summary>Reads a document that replaces one.</summary>
    public static ClientDocumentReading Replacement(JsonElement root, ClientId id, int serverLifetimeSeconds) =>
        new ClientDocumentParse(Mode.Replacement, id).Read(root, serverLifetimeSeconds);

    /// <summary>Reads a stored document.</summary>
    public static ClientDocumentReading Stored(JsonElement root, ClientId id) =>
        new ClientDocumentParse(Mode.Stored, id).Read(root, null);

    /// <summary>
    /// What a merge patch would remove that no client document has, as problems by field: in the merged document nothing would tell
    /// of such a misspelling.
    /// </summary>
    public static ImmutableSortedDictionary<string, string> UnknownRemovals(JsonElement patch)
    {
        var parse = new ClientDocumentParse(Mode.Replacement, null);
        foreach (var member in patch.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null)
            {
                parse.ReadMember(member.Name, member.Value);
            }
            else if (member.Name is "rateLimit" or "quota")
            {
                parse._limits.RefuseUnknownRemovals(member.Name, member.Value);
            }
        }

        return parse._errors.ToImmutable();
    }

    private ClientDocumentReading Read(JsonElement root, int? serverLifetimeSeconds)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return ClientDocumentReader.Refused(StrictJson.Root, "Must be a JSON object.");
        }

        foreach (var member in root.EnumerateObject())
        {
            ReadMember(member.Name, member.Value);
            if (_errors.IsFull)
            {
                break;
            }
        }

        CheckBetweenFields(serverLifetimeSeconds);
        if (_errors.Any || _id is not { } id)
        {
            return new ClientDocumentReading { Errors = _errors.ToImmutable() };
        }

        var document = Make(id);
        // What an earlier version stored stays readable, so that its client goes on.
        return _mode != Mode.Stored && ClientDocumentSize.ProblemOf(document) is { } problem
            ? ClientDocumentReader.Refused(StrictJson.Root, problem)
            : new ClientDocumentReading { Document = document, Secrets = _secrets.Entries };
    }

    private void ReadMember(string name, JsonElement value)
    {
        // Null is as absent, for members that are known.
        var given = value.ValueKind != JsonValueKind.Null;
        switch (name)
        {
            case "clientId" when given:
                ReadClientId(value);
                break;
            case "name" when given:
                ReadName(value);
                break;
            case "enabled" when given:
                _enabled = _errors.Flag(name, value);
                break;
            case "grantTypes" when given:
                _grantTypes = _errors.List(name, value, 10, grant => grant == GrantTypeNames.ClientCredentials ? null : "Is no grant that the server knows; it knows client_credentials.");
                break;
            case "scopes" when given:
                _scopes = _errors.List(name, value, ScopeSet.MaxScopes, ProblemOfScope);
                break;
            case "defaultScopes" when given:
                _defaultScopes = _errors.List(name, value, ScopeSet.MaxScopes, ProblemOfScope);
                break;
            case "audiences" when given:
                _audiences = _errors.List(name, value, AudienceSelection.MaxAudiences, ProblemOfAudience);
                break;
            case "introspects" when given:
                _introspects = _errors.List(name, value, AudienceSelection.MaxAudiences, ProblemOfAudience);
                break;
            case "tokenLifetimeSeconds" when given:
                _lifetime = (int?)_errors.Number(name, value, ClientDocument.MinTokenLifetimeSeconds, ClientDocument.MaxTokenLifetimeSeconds);
                break;
            case "tokenReuseSeconds" when given:
                _reuse = (int?)_errors.Number(name, value, 0, ClientDocument.MaxTokenLifetimeSeconds / 2) ?? 0;
                break;
            case "authMethods" when given:
                ReadAuthMethods(value);
                break;
            case "rateLimit" when given:
                _rateLimit = _limits.ReadRateLimit(name, value);
                break;
            case "quota" when given:
                _quota = _limits.ReadQuota(name, value);
                break;
            case "allowedNetworks" when given:
                ReadAllowedNetworks(value);
                break;
            case "claims" when given:
                _claims = ClaimsParse.Read(name, value, _errors);
                break;
            case "metadata" when given:
                ReadMetadata(value);
                break;
            case "secret" or "secretHash" or "secrets":
                ReadSecret(name, value, given);
                break;
            case "clientId" or "name" or "enabled" or "grantTypes" or "scopes" or "defaultScopes" or "audiences" or "introspects"
                or "tokenLifetimeSeconds" or "tokenReuseSeconds" or "authMethods" or "rateLimit" or "quota" or "allowedNetworks"
                or "claims" or "metadata":
                break;
            case "createdAt" or "updatedAt" or "lastUsedAt" or "etag":
                // The server makes these; they may come back with what GET gave.
                break;
            default:
                if (_mode != Mode.Stored)
                {
                    string[] secrets = _mode == Mode.New ? ["secrets", "secret", "secretHash"] : [];
                    _errors.AddUnknown(
                        StrictJson.InPath(name), "a client document",
                        [
                            "clientId", "name", "enabled", "grantTypes", "scopes", "defaultScopes", "audiences", "introspects", "tokenLifetimeSeconds",
                            "tokenReuseSeconds", "authMethods", "rateLimit", "quota", "claims", "metadata", .. secrets,
                        ]);
                }

                break;
        }
    }

    private void ReadClientId(JsonElement value)
    {
        if (_errors.Text("clientId", value) is not { } text)
        {
            return;
        }

        if (!ClientId.TryParse(text, out var id))
        {
            _errors.Add("clientId", "Must have 1 to 200 printable ASCII characters other than space, \", \\, <, >, %, # and ?, be neither . nor .. and not begin with acs_.");
        }
        else if (_mode != Mode.New && id != _id)
        {
            _errors.Add("clientId", "Can't be changed; leave it out, or create another client.");
        }
        else
        {
            _id = id;
        }
    }

    private void ReadName(JsonElement value)
    {
        _name = _errors.Text("name", value);
        if (_name is not null && DisplayText.ProblemOf(_name, 1, MaxName) is { } problem)
        {
            _errors.Add("name", problem);
        }
    }

    private void ReadAuthMethods(JsonElement value)
    {
        var names = _errors.List("authMethods", value, 10, name => ClientAuthMethodNames.TryParse(name, out _)
            ? null
            : "Is no authentication method that the server knows; it knows client_secret_basic and client_secret_post.");
        if (names is { IsEmpty: true })
        {
            _errors.Add("authMethods", "Must have at least one entry.");
        }

        _authMethods = names?.Select(name => ClientAuthMethodNames.TryParse(name, out var method) ? method : default).ToImmutableArray();
    }

    private void ReadAllowedNetworks(JsonElement value)
    {
        // Passed over, it would open the client to networks that its owner shut out.
        if (_mode != Mode.Stored && !(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0))
        {
            _errors.Add("allowedNetworks", "Is not supported by this version; leave it out, and restrict networks in front of the server.");
        }
    }

    private void ReadMetadata(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            _errors.Add("metadata", "Must be a JSON object of strings.");
            return;
        }

        var metadata = ClientDocument.EmptyMetadata.ToBuilder();
        foreach (var member in value.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            var path = $"metadata.{StrictJson.InPath(member.Name)}";
            if (DisplayText.ProblemOf(member.Name, 1, MaxMetadataName) is { } nameProblem)
            {
                _errors.Add(path, "The name: " + nameProblem);
            }

            var text = _errors.Text(path, member.Value);
            if (text is not null && DisplayText.ProblemOf(text, 0, MaxMetadataValue) is { } problem)
            {
                _errors.Add(path, problem);
            }

            metadata[member.Name] = text ?? "";
            if (metadata.Count > MaxMetadata)
            {
                _errors.Add("metadata", "Must have at most 50 members.");
                return;
            }
        }

        _metadata = metadata.ToImmutable();
    }

    private void ReadSecret(string name, JsonElement value, bool given)
    {
        if (_mode == Mode.New)
        {
            _secrets.Read(name, value, given);
        }
        else if (given && _mode == Mode.Replacement && !(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0))
        {
            _errors.Add(name, "Can't be changed here; add and revoke secrets below /clients/{id}/secrets.");
        }
    }

    private void CheckBetweenFields(int? serverLifetimeSeconds)
    {
        if (_id is null)
        {
            _errors.Add("clientId", "Is missing; a client of a file needs an id of its own.");
        }

        if (_defaultScopes is { } defaults)
        {
            var scopes = (_scopes ?? []).ToHashSet(StringComparer.Ordinal);
            for (var i = 0; i < defaults.Length; i++)
            {
                if (!scopes.Contains(defaults[i]))
                {
                    _errors.Add($"defaultScopes[{i.ToString(System.Globalization.CultureInfo.InvariantCulture)}]", "Is not among scopes; add it there, or leave it out here.");
                }
            }
        }

        // A stored document was checked by the lifetime that the server had then.
        if ((_lifetime ?? serverLifetimeSeconds) is { } lifetime && _reuse > lifetime / 2)
        {
            _errors.Add("tokenReuseSeconds", "Must be at most half the lifetime of a token.");
        }
    }

    private ClientDocument Make(ClientId id) => new()
    {
        ClientId = id,
        Name = _name ?? id.Value,
        Enabled = _enabled,
        GrantTypes = _grantTypes ?? [GrantTypeNames.ClientCredentials],
        Scopes = _scopes ?? [],
        DefaultScopes = _defaultScopes,
        Audiences = _audiences ?? [],
        Introspects = _introspects ?? [],
        TokenLifetimeSeconds = _lifetime,
        TokenReuseSeconds = _reuse,
        AuthMethods = _authMethods ?? [ClientAuthMethod.ClientSecretBasic, ClientAuthMethod.ClientSecretPost],
        RateLimit = _rateLimit,
        Quota = _quota,
        ClaimsJson = _claims,
        Metadata = _metadata,
    };

    private static string? ProblemOfScope(string scope)
    {
        if (scope.Length > ScopeSet.MaxScopeLength || !ScopeSet.IsScopeToken(scope))
        {
            return "Must have 1 to 128 printable ASCII characters other than space, \" and \\.";
        }

        return ScopeSet.IsServerScope(scope) && scope is not ("authcluster:admin" or "authcluster:read" or "authcluster:introspect")
            ? "Is no scope of this server; those are authcluster:admin, authcluster:read and authcluster:introspect."
            : null;
    }

    private static string? ProblemOfAudience(string audience) =>
        Audience.IsAcceptable(audience) ? null : "Must be a name or an absolute URI without fragment, of 1 to 512 printable ASCII characters without space.";
}
