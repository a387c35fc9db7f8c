namespace AuthCluster.TestKit.OAuth;

/// <summary>The credentials of a registered client.</summary>
public sealed record TestClient(string Id, string Secret);
