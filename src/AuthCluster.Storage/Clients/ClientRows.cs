using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Revocation;

namespace AuthCluster.Storage.Clients;

/// <summary>The rows that tell of a change of one client. They are stored with the client's own row, in one write: see <see cref="ClientRowsEnvelope"/>.</summary>
/// <param name="Audit">Entries that tell of the change. One that is there already stays as it is.</param>
/// <param name="Catalogue">The client as it is now; null when its catalogue row does not change. It only moves to a higher version.</param>
/// <param name="Revocations">What the feed has to tell of. What it has told already stays as it is.</param>
public sealed record ClientRows(
    IReadOnlyList<AuditEntry> Audit, CatalogueEntry? Catalogue, IReadOnlyList<RevocationItem> Revocations);
