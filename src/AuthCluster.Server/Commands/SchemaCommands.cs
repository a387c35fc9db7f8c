using AuthCluster.Server.Settings;
using AuthCluster.Server.Startup;
using AuthCluster.Storage;

namespace AuthCluster.Server.Commands;

/// <summary><c>db migrate</c> and <c>db status</c>.</summary>
internal static class SchemaCommands
{
    public static async Task<int> MigrateAsync(CommandRun run)
    {
        SiloPreparation.CreateDataDirectory(run.Settings, run.Database);
        using var exclusive = SiloPreparation.TakeLock(run.Database);
        try
        {
            var applied = await run.WhenReachableAsync(() => run.Migrator.MigrateAsync());
            await Console.Out.WriteLineAsync(
                applied.Count == 0 ? "The database schema is current." : $"Applied: {string.Join(", ", applied)}.");
            return CommandLine.Done;
        }
        catch (MigrationFailedException e)
        {
            throw new StartupException(e.Message);
        }
    }

    public static async Task<int> StatusAsync(CommandRun run)
    {
        if (run.Database.SqliteFile is { } file && !File.Exists(file))
        {
            // Opening the database would create the file.
            await Console.Out.WriteLineAsync($"The database '{file}' does not exist yet.");
            return CommandLine.Refused;
        }

        var scripts = await run.WhenReachableAsync(() => run.Migrator.StatusAsync());
        foreach (var script in scripts)
        {
            await Console.Out.WriteLineAsync($"{(script.Applied ? "applied" : "missing")}  {script.Name}");
        }

        return scripts.All(script => script.Applied) ? CommandLine.Done : CommandLine.Refused;
    }
}
