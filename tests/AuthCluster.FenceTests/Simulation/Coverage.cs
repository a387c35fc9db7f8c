using System.Globalization;
using AuthCluster.Fence;

namespace AuthCluster.FenceTests.Simulation;

/// <summary>What happened in the runs, so that they can't pass on nothing.</summary>
internal sealed class Coverage
{
    public long Runs { get; set; }

    public long Events { get; set; }

    public long Everywhere { get; set; }

    public long NamingTheLiving { get; set; }

    public long NamingTheDead { get; set; }

    public long Unknown { get; set; }

    public long UnknownOutcomes { get; set; }

    public long LostSwaps { get; set; }

    public long RefusedLoads { get; set; }

    public long OvertakenReturns { get; set; }

    public long VoidsAgain { get; set; }

    public long WaitsForLeases { get; set; }

    public long Leases { get; set; }

    public long Claims { get; set; }

    public long Spends { get; set; }

    public long SpendsInOutage { get; set; }

    public long BlindResidues { get; set; }

    public long LoneResidues { get; set; }

    public long FailedReads { get; set; }

    public long LateCalls { get; set; }

    public long Outages { get; set; }

    public long Groups { get; set; }

    public long Pauses { get; set; }

    public long Crashes { get; set; }

    public long Stops { get; set; }

    public long Starts { get; set; }

    public long Restarts { get; set; }

    public long OwnDeaths { get; set; }

    /// <summary>The ends that were set, by their proofs.</summary>
    public long[] Ended { get; } = new long[Enum.GetValues<EndedBy>().Length];

    public TimeSpan LongestRecovery { get; set; }

    public void Count(SimWrite write, FenceAnswer? answer)
    {
        if (write.IsClaim)
        {
            return;
        }

        switch (write.Answer)
        {
            case WriteAnswer.Everywhere:
                Everywhere++;
                break;
            case WriteAnswer.NotEverywhere when answer!.Unconfirmed.Any(silo => silo.For is null):
                NamingTheLiving++;
                break;
            case WriteAnswer.NotEverywhere:
                NamingTheDead++;
                break;
            default:
                Unknown++;
                break;
        }
    }

    public void Add(Coverage other)
    {
        foreach (var counter in typeof(Coverage).GetProperties().Where(counter => counter.PropertyType == typeof(long)))
        {
            counter.SetValue(this, (long)counter.GetValue(this)! + (long)counter.GetValue(other)!);
        }

        for (var i = 0; i < Ended.Length; i++)
        {
            Ended[i] += other.Ended[i];
        }

        LongestRecovery = other.LongestRecovery > LongestRecovery ? other.LongestRecovery : LongestRecovery;
    }

    /// <summary>Each counter by its name.</summary>
    public IEnumerable<(string Name, long Count)> Counters() =>
        typeof(Coverage).GetProperties()
            .Where(counter => counter.PropertyType == typeof(long))
            .Select(counter => (counter.Name, (long)counter.GetValue(this)!))
            .Concat(Enum.GetValues<EndedBy>().Select(proof => ($"EndedBy{proof}", Ended[(int)proof])));

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", Counters().Select(counter => $"{counter.Name} {counter.Count}"))}, ")
        + string.Create(CultureInfo.InvariantCulture, $"LongestRecovery {LongestRecovery.TotalSeconds:0.0} s");
}
