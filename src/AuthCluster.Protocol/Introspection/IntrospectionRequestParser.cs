using AuthCluster.Protocol.Requests;

namespace AuthCluster.Protocol.Introspection;

/// <summary>Reads a request of the introspection endpoint (RFC 7662 section 2.1).</summary>
/// <remarks>The checks and their order are those of <see cref="TokenArgumentParser"/>.</remarks>
public static class IntrospectionRequestParser
{
    /// <summary>Reads a request.</summary>
    public static ParsedRequest<TokenArgument> Parse(in FormInput input) => TokenArgumentParser.Parse(input);
}
