using AuthCluster.Contracts.Clients;

namespace AuthCluster.Web.Admin;

/// <summary>One change of an administrator. It stays the same at each attempt, so that a grain recognises a repeat.</summary>
/// <param name="Actor">Who makes it, with the id of its audit entry.</param>
/// <param name="Deadline">When its caller has to be answered.</param>
internal sealed record AdminChange(ActorRecord Actor, AdminDeadline Deadline);
