using System.Text.Json;
using AuthCluster.Grains.Changes;
using AuthCluster.Grains.Clients;
using AuthCluster.Grains.StoredState;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Parts;

/// <summary>What the audit and administrators see of a client.</summary>
public sealed class ShapeTests
{
    private static readonly ClientState Client = ClientInParts.StateOf(Document("read"), SecretOf("a", "first"), SlowSecretOf("b", "second"));

    [Fact]
    public void The_audit_sees_the_document_and_whether_the_client_is_enabled_and_nothing_of_a_tombstone()
    {
        var shape = AuditShapes.Of(ClientInParts.Disabled(Client))!.Value;

        Assert.Equal(["name", "scopes", "enabled"], shape.EnumerateObject().Select(member => member.Name));
        Assert.False(shape.GetProperty("enabled").GetBoolean());
        Assert.Null(AuditShapes.Of(ClientState.NeverExisted));
    }

    [Fact]
    public void The_audit_sees_the_metadata_of_a_secret_and_no_hash_of_it()
    {
        foreach (var secret in Client.Secrets)
        {
            var names = AuditShapes.Of(secret).EnumerateObject().Select(member => member.Name);

            Assert.Equal(["secretId", "kind", "createdAt"], names);
        }
    }

    [Fact]
    public void Administrators_see_the_document_as_stored_the_etag_and_the_secrets_that_have_not_ended_long_ago()
    {
        var now = ClientInParts.Start;
        var state = Client with { Revision = 3, Secrets = [Client.Secrets[0] with { ExpiresAt = now }, Client.Secrets[1]] };

        var view = ClientViews.Of("orders", state, lastUsedAt: now, now)!;
        var later = ClientViews.Of("orders", state, lastUsedAt: null, now + SecretState.KeptAfterEnd + TimeSpan.FromSeconds(1))!;

        Assert.Equal(("orders", true, state.ETag), (view.ClientId, view.Enabled, view.ETag));
        Assert.Equal(now, view.LastUsedAt);
        Assert.Equal("A client", JsonDocument.Parse(view.DocumentJson).RootElement.GetProperty("name").GetString());
        Assert.Equal(["first", "second"], view.Secrets.Select(secret => secret.SecretId));
        Assert.Equal(["second"], later.Secrets.Select(secret => secret.SecretId));
    }

    [Fact]
    public void Nobody_sees_a_client_where_there_is_none_or_it_was_deleted()
    {
        Assert.Null(ClientViews.Of("orders", null, null, ClientInParts.Start));
        Assert.Null(ClientViews.Of("orders", Client with { Deleted = true, Document = null }, null, ClientInParts.Start));
    }
}
