using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.Storage.Clients;

/// <summary>
/// The rows that record a change of one client. They are stored with the client's own row, in one write: see <see cref="ClientRowsEnvelope"/>.
/// </summary>
/// <param name="Audit">Audit entries of the change. One that exists already stays as it is.</param>
/// <param name="Catalogue">The client as it is now; null when its catalogue row does not change. It only moves to a higher version.</param>
/// <param name="Revocations">Revocations for the feed. One that exists already stays as it is.</param>
public sealed record ClientRows(
    IReadOnlyList<AuditEntry> Audit, CatalogueEntry? Catalogue, IReadOnlyList<RevocationItem> Revocations);
