using AuthCluster.AdminTests.Session;

namespace AuthCluster.AdminTests.Clients;

/// <summary>The last enabled admin stays an admin, so that nobody locks everybody out.</summary>
public sealed class LastAdminTests(AdminServer server) : IClassFixture<AdminServer>
{
    [Fact]
    public async Task The_last_enabled_admin_can_not_be_disabled_deleted_or_lose_its_scope()
    {
        var admin = await server.CallerAsync();
        Assert.Equal(200, (await admin.PostAsync("/clients/admin-two/disable")).Status);

        (await admin.PostAsync("/clients/admin-one/disable")).Refused(409);
        (await admin.DeleteAsync("/clients/admin-one")).Refused(409);
        (await admin.PutAsync("/clients/admin-one", """{ "scopes": ["read"] }""", "*")).Refused(409);
        (await admin.PutAsync("/clients/admin-one", """{ "scopes": ["authcluster:admin"], "enabled": false }""", "*")).Refused(409);
        (await admin.PatchAsync("/clients/admin-one", """{ "scopes": null }""")).Refused(409);
        (await admin.PatchAsync("/clients/admin-one", """{ "enabled": false }""")).Refused(409);
        (await admin.PatchAsync("/clients/admin-one", """{ "grantTypes": [] }""")).Refused(409);

        // An admin that can't get a token does not count as another one.
        Assert.Equal(201, (await admin.PostAsync("/clients", """{ "clientId": "admin-three", "scopes": ["authcluster:admin"], "grantTypes": [] }""")).Status);
        (await admin.PostAsync("/clients/admin-one/disable")).Refused(409);

        // Everything else may be changed, and once another admin exists the first may be removed.
        Assert.Equal(200, (await admin.PatchAsync("/clients/admin-one", """{ "name": "Admin" }""")).Status);
        Assert.Equal(["client.create", "client.update"], await Agreement.CheckAsync(admin, "admin-one", isUsed: true));
        Assert.Equal(200, (await admin.PostAsync("/clients/admin-two/enable")).Status);
        Assert.Equal(204, (await admin.DeleteAsync("/clients/admin-one")).Status);
        (await (await server.CallerAsync(AdminServer.SecondAdmin)).DeleteAsync("/clients/admin-two")).Refused(409);
    }
}
