using System.Collections.Immutable;
using AuthCluster.Fence;

namespace AuthCluster.FenceTests.Simulation;

/// <summary>The calls by which a write makes silos void older versions, and their acknowledgements.</summary>
internal sealed class SimVoids(World world, SimFencing fencing, SimWrite write, FencedWrite fenced)
{
    private static readonly TimeSpan AskOnAfter = TimeSpan.FromSeconds(1);

    private readonly HashSet<string> _acknowledged = new(StringComparer.Ordinal);
    private ImmutableArray<string> _asked = [];
    private int _asks;
    private int _asksOn;

    public void Ask(ImmutableArray<string> silos)
    {
        _asked = _asked.IsEmpty ? silos : _asked;
        world.Coverage.VoidsAgain += _asks++ > 0 ? silos.Length : 0;
        foreach (var silo in silos)
        {
            var isSkipped = world.Mistake switch
            {
                Mistake.OwnSiloNotVoid => silo == write.Silo.Process.Name,
                Mistake.GivenUpAfterThree => _asks > 3,
                _ => false,
            };
            if (isSkipped)
            {
                fenced.Acknowledged(silo, TimeSpan.Zero, write.Silo.Now);
                continue;
            }

            var asked = world.Silo(silo);
            world.Network.Send(write.Silo.Process, asked.Process, (this, asked), static call => call.Item1.Arrive(call.asked));
        }
    }

    /// <summary>Goes on asking after the answer, so that the write will hold on the silos that were named.</summary>
    public void AskOn()
    {
        if (_asksOn++ < 4 && !fenced.Unacknowledged.IsEmpty)
        {
            Ask(fenced.Unacknowledged);
            write.Silo.Process.After(AskOnAfter, this, static voids => voids.AskOn());
        }
    }

    /// <summary>What the asked silo does.</summary>
    private void Arrive(SimSilo asked)
    {
        world.Faults.Strike(asked);
        if (world.Mistake is not (Mistake.LeaseComputedBeforeMarking or Mistake.AcknowledgedBeforeMarking))
        {
            Acknowledge(asked, asked.Void(write.Client, write.Version));
            return;
        }

        var isEarly = world.Mistake == Mistake.AcknowledgedBeforeMarking;
        var lease = asked.Void(write.Client, 0);
        if (isEarly)
        {
            Acknowledge(asked, lease);
        }

        world.Post(asked.Process, world.Random.Seconds(0.0001, 0.02), (this, asked, lease, isEarly), static late =>
            late.Item1.MarkLate(late.asked, late.lease, late.isEarly));
    }

    private void MarkLate(SimSilo asked, TimeSpan lease, bool isAcknowledged)
    {
        asked.Void(write.Client, write.Version);
        if (!isAcknowledged)
        {
            Acknowledge(asked, lease);
        }
    }

    private void Acknowledge(SimSilo asked, TimeSpan lease) =>
        world.Network.Send(asked.Process, write.Silo.Process, (this, asked, lease), static ack => ack.Item1.OnAcknowledged(ack.asked, ack.lease));

    private void OnAcknowledged(SimSilo silo, TimeSpan lease)
    {
        world.Faults.Strike(write.Silo);
        world.Coverage.WaitsForLeases += lease > TimeSpan.Zero ? 1 : 0;
        fenced.Acknowledged(silo.Process.Name, world.Mistake == Mistake.LeasesNotWaitedFor ? TimeSpan.Zero : lease, write.Silo.Now);
        if (world.Mistake == Mistake.MajorityOfAnswers)
        {
            AcknowledgeForMinority(silo);
        }

        if (fenced.IsAcknowledged)
        {
            fencing.LookIfOpen();
        }
    }

    /// <summary>Acknowledges for those that are silent, once more than half have acknowledged.</summary>
    private void AcknowledgeForMinority(SimSilo silo)
    {
        _acknowledged.Add(silo.Process.Name);
        if (2 * _acknowledged.Count > _asked.Length)
        {
            foreach (var silent in _asked)
            {
                fenced.Acknowledged(silent, TimeSpan.Zero, write.Silo.Now);
            }
        }
    }
}
