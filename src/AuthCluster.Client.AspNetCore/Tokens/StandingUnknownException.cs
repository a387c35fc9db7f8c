using Microsoft.IdentityModel.Tokens;

namespace AuthCluster.Client.AspNetCore.Tokens;

/// <summary>The token may be good, but the issuer can't be asked: the answer is 503, not a 401 that would send the caller for a new token.</summary>
#pragma warning disable CA1064 // Carries one fixed fact inside this assembly; nobody else makes or catches it.
internal sealed class StandingUnknownException() : SecurityTokenValidationException("The token's standing can't be known at the moment.");
#pragma warning restore CA1064
