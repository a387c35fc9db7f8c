using System.Collections.Immutable;
using AuthCluster.Grains.Fencing;
using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;
using Barrier = AuthCluster.GrainTests.Parts.Barrier;

namespace AuthCluster.GrainTests.Fencing;

/// <summary>The table of silos in memory, as the database answers readings of it. Silo number 1 reads.</summary>
internal sealed class SiloTable
{
    public const int Joining = 2;
    public const int Active = 3;
    public const int Dead = 6;

    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(10);

    /// <summary>The reading silo.</summary>
    public static readonly string Self = Name(1);

    /// <summary>The rows.</summary>
    public ImmutableArray<SiloRow> Rows { get; set; } = [Row(1)];

    /// <summary>Whether there is a key ring. Without one a reading finds nothing.</summary>
    public bool HasKeys { get; set; } = true;

    /// <summary>What each reading throws; null for nothing.</summary>
    public Exception? Failure { get; set; }

    /// <summary>The barrier at which readings wait for the test; null for none.</summary>
    public Barrier? BeforeReading { get; set; }

    /// <summary>How many readings there were.</summary>
    public int Readings { get; private set; }

    public static string Name(int silo) => SiloNames.Of(Row(silo));

    /// <summary>The row of a silo, at an address of its own.</summary>
    public static SiloRow Row(int silo, int status = Active, TimeSpan? deadFor = null) =>
        new($"10.0.0.{silo}", 11111, silo, $"silo {silo}", status, deadFor, false, Grace);

    /// <summary>The database can't be reached from now on.</summary>
    public void GoAway() => Failure = new StorageUnavailableException("The database could not be reached.");

    public void ComeBack() => Failure = null;

    public FenceReading? Read()
    {
        Readings++;
        return Failure is { } failure ? throw failure : HasKeys ? new FenceReading(1, 7, Rows) : null;
    }

    /// <summary>Reads after the barrier, what the table holds then.</summary>
    public async Task<FenceReading?> ReadAsync(CancellationToken cancellationToken)
    {
        if (BeforeReading is { } barrier)
        {
            await barrier.PassAsync();
        }

        return Read();
    }
}
