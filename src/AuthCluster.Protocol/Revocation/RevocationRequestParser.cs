using AuthCluster.Protocol.Requests;

namespace AuthCluster.Protocol.Revocation;

/// <summary>Reads a request of the revocation endpoint (RFC 7009 section 2.1).</summary>
/// <remarks>The checks and their order are those of <see cref="TokenArgumentParser"/>.</remarks>
public static class RevocationRequestParser
{
    /// <summary>Reads a request.</summary>
    public static ParsedRequest<TokenArgument> Parse(in FormInput input) => TokenArgumentParser.Parse(input);
}
