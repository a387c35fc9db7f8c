namespace AuthCluster.Client.Introspection;

/// <summary>What is read of an introspection answer (RFC 7662 §2.2); the rest stands in the token itself.</summary>
internal sealed class IntrospectionResponse
{
    public bool? Active { get; init; }
}
