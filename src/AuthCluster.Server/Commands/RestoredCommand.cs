using System.Security.Cryptography;
using AuthCluster.Contracts.Admin;
using AuthCluster.Protocol.Clients;
using AuthCluster.Server.Settings;
using AuthCluster.Storage;
using AuthCluster.Storage.Admin;
using AuthCluster.Storage.Cluster;

namespace AuthCluster.Server.Commands;

/// <summary>
/// <c>db restored</c>: a restore takes the database back in time, so tokens that were revoked since the backup would be valid again. Raising
/// the floor ends every token that was issued before, in whichever way its revocation was lost.
/// </summary>
internal static class RestoredCommand
{
    private const string Name = "db restored";

    public static async Task<int> RunAsync(CommandRun run)
    {
        if (run.Database.SqliteFile is { } file && !File.Exists(file))
        {
            throw new StartupException($"The database '{file}' does not exist; put the backup in its place first.");
        }

        var (exclusive, someRun) = await StoppedProcesses.RequireAsync(run, Name);
        using var held = exclusive;
        var now = run.Clock.GetUtcNow();
        var entry = new AuditEntry(new AuditRecord
        {
            AuditId = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
            At = now,
            Actor = "system:command",
            Action = "cluster.restored",
            Target = "*",
        });
        try
        {
            var floor = await new RestoredDatabase(run.Database).MarkAsync(now, ClientDocument.MaxTokenLifetime, entry, forgetSilos: !someRun)
                ?? throw new StartupException("No server has ever started on this database: there is nothing to do after its restore.");
            await Console.Out.WriteLineAsync(
                $"""
                Every token that was issued before is dead: the generation floor is {floor} now.
                {(someRun ? "Processes run, so the membership was left as it is; restart them one after another." : "The membership is cleared; the processes may start.")}
                Quotas count from what the backup holds. What was disabled, revoked or deleted since the backup must be done again.
                """);
            return CommandLine.Done;
        }
        catch (Exception e) when (StorageFaults.IsUnavailable(e))
        {
            throw new StartupException($"The database gave no definite answer ({StorageReason.Of(e)}); run '{Name}' again.");
        }
    }
}
