namespace AuthCluster.Web.Cluster;

/// <summary>Marks an endpoint that belongs to the management listener where there is one.</summary>
/// <param name="LoopbackOnly">Whether only loopback callers may use it when there is no management listener.</param>
public sealed record ManagementEndpoint(bool LoopbackOnly);
