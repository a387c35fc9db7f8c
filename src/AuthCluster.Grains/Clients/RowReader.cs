using AuthCluster.Grains.StoredState;

namespace AuthCluster.Grains.Clients;

/// <summary>
/// Reads the row of one client. An administrative write of unknown outcome may still arrive and replace what is read, so the reader makes
/// that write lose first: it writes the row again as it is, which changes the row's version.
/// </summary>
internal sealed class RowReader(GrainId grain, ClientRecordStore records)
{
    private const int MaxTries = 4;

    private UnknownWrite? _unknownWrite;

    /// <summary>An administrative write without an answer, and the version of the row that it may still replace; null where there was no row.</summary>
    private sealed record UnknownWrite(string? ETag);

    /// <summary>Whether a write of unknown outcome may still arrive.</summary>
    public bool HasUnknownWrite => _unknownWrite is not null;

    /// <summary>Notes an administrative write of unknown outcome.</summary>
    /// <param name="etag">The version of the row that it was to replace; null for none.</param>
    public void NoteUnknownWrite(string? etag) => _unknownWrite = new UnknownWrite(etag);

    /// <summary>Reads the row, after which no write of unknown outcome can arrive any more.</summary>
    public async Task<(RecordOutcome Outcome, ClientRecord? Record)> ReadAsync(CancellationToken cancellationToken)
    {
        for (var tries = 0; ; tries++)
        {
            var (outcome, record) = await records.ReadAsync(grain, cancellationToken);
            if (outcome is not (RecordOutcome.Done or RecordOutcome.Missing) || _unknownWrite is not { } unknown)
            {
                return (outcome, record);
            }

            if (record?.ETag != unknown.ETag)
            {
                // The write is in the row, or has lost to another one.
                _unknownWrite = null;
                return (outcome, record);
            }

            // Where there is no row, a tombstone of a client that never existed takes its place.
            (outcome, record) = await records.WriteAsync(
                grain, record?.State ?? ClientState.NeverExisted, record?.ETag, background: null, CancellationToken.None);
            if (outcome == RecordOutcome.Done)
            {
                _unknownWrite = null;
                return (outcome, record);
            }

            if (outcome != RecordOutcome.Conflict || tries >= MaxTries)
            {
                return (RecordOutcome.Unavailable, null);
            }
        }
    }
}
