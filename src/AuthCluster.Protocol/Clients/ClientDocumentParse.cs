using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using AuthCluster.Protocol.Json;
using AuthCluster.Protocol.Tokens;

namespace AuthCluster.Protocol.Clients;

/// <summary>Reads the members of one client document. Each field has its own method; the rules between fields are checked last.</summary>
internal sealed class ClientDocumentParse
{
    private const int MaxName = 200;
    private const int MaxGrantTypes = 10;
    private const int MaxAuthMethods = 10;

    // A member that is null counts as absent: its function is not called.
    private static readonly FrozenDictionary<string, Action<ClientDocumentParse, JsonElement>> Readers =
        new Dictionary<string, Action<ClientDocumentParse, JsonElement>>(StringComparer.Ordinal)
        {
            [ClientMembers.ClientId] = (parse, value) => parse.ReadClientId(value),
            [ClientMembers.Name] = (parse, value) => parse.ReadName(value),
            [ClientMembers.Enabled] = (parse, value) => parse.ReadEnabled(value),
            [ClientMembers.GrantTypes] = (parse, value) => parse.ReadGrantTypes(value),
            [ClientMembers.Scopes] = (parse, value) => parse.ReadScopes(value),
            [ClientMembers.DefaultScopes] = (parse, value) => parse.ReadDefaultScopes(value),
            [ClientMembers.Audiences] = (parse, value) => parse.ReadAudiences(value),
            [ClientMembers.Introspects] = (parse, value) => parse.ReadIntrospects(value),
            [ClientMembers.TokenLifetimeSeconds] = (parse, value) => parse.ReadTokenLifetime(value),
            [ClientMembers.TokenReuseSeconds] = (parse, value) => parse.ReadTokenReuse(value),
            [ClientMembers.AuthMethods] = (parse, value) => parse.ReadAuthMethods(value),
            [ClientMembers.RateLimit] = (parse, value) => parse.ReadRateLimit(value),
            [ClientMembers.Quota] = (parse, value) => parse.ReadQuota(value),
            [ClientMembers.AllowedNetworks] = (parse, value) => parse.ReadAllowedNetworks(value),
            [ClientMembers.Claims] = (parse, value) => parse.ReadClaims(value),
            [ClientMembers.Metadata] = (parse, value) => parse.ReadMetadata(value),
            [ClientMembers.Secret] = (parse, value) => parse.ReadSecret(ClientMembers.Secret, value),
            [ClientMembers.SecretHash] = (parse, value) => parse.ReadSecret(ClientMembers.SecretHash, value),
            [ClientMembers.Secrets] = (parse, value) => parse.ReadSecret(ClientMembers.Secrets, value),
        }.ToFrozenDictionary(StringComparer.Ordinal);

    private readonly FieldErrors _errors = new();
    private readonly Mode _mode;
    private readonly StoredMembers _stored;
    private readonly ClientSecretsParse _secrets;
    private readonly ClientLimitsParse _limits;
    private ClientId? _id;
    private ClientDocument _document;

    private ClientDocumentParse(Mode mode, ClientId? id, StoredMembers stored = default)
    {
        _mode = mode;
        _id = id;
        _stored = stored;
        _document = new ClientDocument { ClientId = id ?? default, Name = "" };
        _secrets = new ClientSecretsParse(_errors);
        _limits = new ClientLimitsParse(_errors, refusesUnknown: mode != Mode.Stored);
    }

    private enum Mode
    {
        New,
        Replacement,
        Stored,
    }

    /// <summary>Reads the document of a new client; without a generated id the document has to name an id.</summary>
    public static ClientDocumentReading New(JsonElement root, ClientId? generatedId, int serverLifetimeSeconds) =>
        new ClientDocumentParse(Mode.New, generatedId).Read(root, serverLifetimeSeconds);

    /// <summary>
    /// Reads a document that replaces a stored one. A member that this version does not know is accepted when it is stored with the
    /// same value.
    /// </summary>
    public static ClientDocumentReading Replacement(JsonElement root, ClientId id, StoredMembers stored, int serverLifetimeSeconds) =>
        new ClientDocumentParse(Mode.Replacement, id, stored).Read(root, serverLifetimeSeconds);

    /// <summary>Reads a stored document.</summary>
    public static ClientDocumentReading Stored(JsonElement root, ClientId id) =>
        new ClientDocumentParse(Mode.Stored, id).Read(root, null);

    /// <summary>
    /// The members that a merge patch would remove although no client document has them, as problems by field. The merged document
    /// would not show such a misspelling.
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
            else if (member.Name is ClientMembers.RateLimit or ClientMembers.Quota)
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

        if (_id is null)
        {
            _errors.Add(ClientMembers.ClientId, "Is missing; a client of a file needs an id of its own.");
        }

        ClientDocumentRules.CheckBetweenFields(_document, serverLifetimeSeconds, _errors);
        if (_errors.Any || _id is not { } id)
        {
            return new ClientDocumentReading { Errors = _errors.ToImmutable(), HasUnknownMembers = _errors.HasUnknown };
        }

        var document = _document with { ClientId = id, Name = _document.Name.Length > 0 ? _document.Name : id.Value };
        // A document that an earlier version stored must stay readable, so that its client can still get tokens.
        return _mode != Mode.Stored && ClientDocumentSize.ProblemOf(document) is { } problem
            ? ClientDocumentReader.Refused(StrictJson.Root, problem)
            : new ClientDocumentReading { Document = document, Secrets = _secrets.Entries };
    }

    private void ReadMember(string name, JsonElement value)
    {
        if (Readers.TryGetValue(name, out var read))
        {
            if (value.ValueKind != JsonValueKind.Null)
            {
                read(this, value);
            }
        }
        else if (!ClientMembers.OfServer.Contains(name) && _mode != Mode.Stored && !KeepsUnknown(name, value))
        {
            _errors.AddUnknown(
                StrictJson.InPath(name), "a client document",
                [.. ClientMembers.OfDocument, .. _mode == Mode.New ? ClientMembers.OfSecrets : []]);
        }
    }

    /// <summary>Keeps an unknown member that is stored with the same value: a newer version, which knows the member, wrote it.</summary>
    private bool KeepsUnknown(string name, JsonElement value)
    {
        var isKept = _stored.Has(name, value);
        if (isKept)
        {
            _document = _document with { Unknown = _document.Unknown.SetItem(name, value.GetRawText()) };
        }

        return isKept;
    }

    private void ReadClientId(JsonElement value)
    {
        if (_errors.Text(ClientMembers.ClientId, value) is not { } text)
        {
            return;
        }

        if (!ClientId.TryParse(text, out var id))
        {
            _errors.Add(ClientMembers.ClientId, "Must have 1 to 200 printable ASCII characters other than space, \", \\, <, >, %, # and ?, be neither . nor .. and not begin with acs_.");
        }
        else if (_mode != Mode.New && id != _id)
        {
            _errors.Add(ClientMembers.ClientId, "Can't be changed; leave it out, or create another client.");
        }
        else
        {
            _id = id;
        }
    }

    private void ReadName(JsonElement value)
    {
        var name = _errors.Text(ClientMembers.Name, value);
        if (name is not null && DisplayText.ProblemOf(name, 1, MaxName) is { } problem)
        {
            _errors.Add(ClientMembers.Name, problem);
        }

        _document = _document with { Name = name ?? "" };
    }

    private void ReadEnabled(JsonElement value) =>
        _document = _document with { Enabled = _errors.Flag(ClientMembers.Enabled, value) };

    private void ReadGrantTypes(JsonElement value) =>
        _document = _document with
        {
            GrantTypes = _errors.List(ClientMembers.GrantTypes, value, MaxGrantTypes, grant => grant == GrantTypeNames.ClientCredentials
                ? null
                : "Is no grant that the server knows; it knows client_credentials.") ?? [],
        };

    private void ReadScopes(JsonElement value) =>
        _document = _document with { Scopes = _errors.List(ClientMembers.Scopes, value, ScopeSet.MaxScopes, ClientDocumentRules.ProblemOfScope) ?? [] };

    private void ReadDefaultScopes(JsonElement value) =>
        _document = _document with { DefaultScopes = _errors.List(ClientMembers.DefaultScopes, value, ScopeSet.MaxScopes, ClientDocumentRules.ProblemOfScope) };

    private void ReadAudiences(JsonElement value) =>
        _document = _document with { Audiences = _errors.List(ClientMembers.Audiences, value, Audience.MaxOfClient, ClientDocumentRules.ProblemOfAudience) ?? [] };

    private void ReadIntrospects(JsonElement value) =>
        _document = _document with { Introspects = _errors.List(ClientMembers.Introspects, value, Audience.MaxOfClient, ClientDocumentRules.ProblemOfAudience) ?? [] };

    private void ReadTokenLifetime(JsonElement value) =>
        _document = _document with
        {
            TokenLifetimeSeconds = (int?)_errors.Number(
                ClientMembers.TokenLifetimeSeconds, value, ClientDocument.MinTokenLifetimeSeconds, ClientDocument.MaxTokenLifetimeSeconds),
        };

    private void ReadTokenReuse(JsonElement value) =>
        _document = _document with
        {
            TokenReuseSeconds = (int?)_errors.Number(ClientMembers.TokenReuseSeconds, value, 0, ClientDocument.MaxTokenLifetimeSeconds / 2) ?? 0,
        };

    private void ReadAuthMethods(JsonElement value)
    {
        var names = _errors.List(ClientMembers.AuthMethods, value, MaxAuthMethods, name => ClientAuthMethodNames.TryParse(name, out _)
            ? null
            : "Is no authentication method that the server knows; it knows client_secret_basic and client_secret_post.");
        if (names is { IsEmpty: true })
        {
            _errors.Add(ClientMembers.AuthMethods, "Must have at least one entry.");
        }

        _document = _document with
        {
            AuthMethods = [.. (names ?? []).Select(name => ClientAuthMethodNames.TryParse(name, out var method) ? method : default)],
        };
    }

    private void ReadRateLimit(JsonElement value) =>
        _document = _document with { RateLimit = _limits.ReadRateLimit(value, _stored.In(ClientMembers.RateLimit)) };

    private void ReadQuota(JsonElement value) =>
        _document = _document with { Quota = _limits.ReadQuota(value, _stored.In(ClientMembers.Quota)) };

    private void ReadAllowedNetworks(JsonElement value)
    {
        // If this version ignored the member, it would admit networks that the client's owner excluded.
        if (_mode != Mode.Stored
            && !(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0)
            && !KeepsUnknown(ClientMembers.AllowedNetworks, value))
        {
            _errors.AddUnsupported(ClientMembers.AllowedNetworks, "Is not supported by this version; leave it out, and restrict networks in front of the server.");
        }
    }

    private void ReadClaims(JsonElement value) =>
        _document = _document with { ClaimsJson = ClaimsParse.Read(ClientMembers.Claims, value, _errors) };

    private void ReadMetadata(JsonElement value) =>
        _document = _document with { Metadata = ClientMetadataParse.Read(ClientMembers.Metadata, value, _errors) };

    private void ReadSecret(string name, JsonElement value)
    {
        if (_mode == Mode.New)
        {
            _secrets.Read(name, value);
        }
        else if (_mode == Mode.Replacement && !(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0))
        {
            _errors.Add(name, "Can't be changed here; add and revoke secrets below /clients/{id}/secrets.");
        }
    }
}
