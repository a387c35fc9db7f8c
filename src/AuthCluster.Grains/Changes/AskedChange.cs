using System.Security.Cryptography;
using System.Text;

namespace AuthCluster.Grains.Changes;

/// <summary>
/// Who asks for what, as a short hash. Two commands with the same hash come from the same caller, and turn the same state into the same new state. So the
/// second may be a repeat of the first.
/// </summary>
internal static class AskedChange
{
    /// <summary>The hash.</summary>
    /// <param name="actor">The client id of the caller.</param>
    /// <param name="command">The kind of command.</param>
    /// <param name="content">All that the command says about the new state.</param>
    public static string Of(string actor, string command, string content = "") =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{actor}\0{command}\0{content}")).AsSpan(..16));
}
