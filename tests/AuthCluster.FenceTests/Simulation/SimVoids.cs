using System.Collections.Immutable;
using AuthCluster.Fence;

namespace AuthCluster.FenceTests.Simulation;

/// <summary>The calls by which a write makes the silos void older versions, and what the write is shown of the membership.</summary>
internal sealed class SimVoids(World world, SimWrite write)
{
    private static readonly TimeSpan AskOnAfter = TimeSpan.FromSeconds(1);

    private readonly HashSet<string> _acknowledged = new(StringComparer.Ordinal);
    private ImmutableArray<string> _mustAcknowledge = [];
    private ImmutableHashSet<string> _wereDead = [];
    private int _asks;
    private int _asksOn;

    /// <summary>Whether the first reading has been taken.</summary>
    public bool HasView { get; private set; }

    public void Ask(FencedWrite fenced, ImmutableArray<string> silos)
    {
        _mustAcknowledge = _mustAcknowledge.IsEmpty ? silos : _mustAcknowledge;
        world.Coverage.VoidsAgain += _asks++ > 0 ? silos.Length : 0;
        foreach (var silo in silos)
        {
            if (world.Mistake == Mistake.OwnSiloNotVoid && silo == write.Silo.Process.Name)
            {
                fenced.Acknowledged(silo, TimeSpan.Zero, write.Silo.Now);
            }
            else if (world.Mistake == Mistake.GivenUpAfterThree && _asks > 3)
            {
                fenced.Acknowledged(silo, TimeSpan.Zero, write.Silo.Now);
            }
            else
            {
                var asked = world.Silo(silo);
                world.Network.Send(write.Silo.Process, asked.Process, (this, asked), static call => call.Item1.Arrive(call.asked));
            }
        }
    }

    /// <summary>Goes on asking after the answer, so that the write will hold on the silos that were named.</summary>
    public void AskOn(FencedWrite fenced)
    {
        if (_asksOn++ < 4 && !fenced.Unacknowledged.IsEmpty)
        {
            Ask(fenced, fenced.Unacknowledged);
            write.Silo.Process.After(AskOnAfter, (this, fenced), static again => again.Item1.AskOn(again.fenced));
        }
    }

    /// <summary>Acknowledges for those that are silent, once more than half have acknowledged.</summary>
    public void AcknowledgeForMinority(FencedWrite fenced, SimSilo silo)
    {
        _acknowledged.Add(silo.Process.Name);
        if (2 * _acknowledged.Count > _mustAcknowledge.Length)
        {
            foreach (var silent in _mustAcknowledge)
            {
                fenced.Acknowledged(silent, TimeSpan.Zero, write.Silo.Now);
            }
        }
    }

    /// <summary>The view itself, but for a write that takes the dead too lightly.</summary>
    public Membership AsTheWriteSees(Membership view, WriteKind kind)
    {
        if (!HasView)
        {
            HasView = true;
            _wereDead = world.Mistake == Mistake.OnlyTheDeadThatLivedAtTheReading ? [.. view.Silos.Where(IsDead).Select(silo => silo.Silo)] : [];
        }

        return world.Mistake switch
        {
            Mistake.TheDeadIgnored when kind == WriteKind.Change => Without(view, IsDead),
            Mistake.OnlyTheDeadThatLivedAtTheReading when kind == WriteKind.Change => Without(view, silo => _wereDead.Contains(silo.Silo)),
            Mistake.TheDeadWaitedForOneTerm => new Membership(view.Began, view.Returned, TimeSpan.Zero, view.Silos),
            Mistake.OwnGraceTakenForTheLongest => new Membership(view.Began, view.Returned, write.Silo.Grace, view.Silos),
            Mistake.AgeFromTheReadingsStart => new Membership(view.Began, view.Began, view.LongestGrace, view.Silos),
            _ => view,
        };
    }

    private static bool IsDead(SiloEntry silo) => silo.Standing == SiloStanding.Dead;

    private static Membership Without(Membership view, Func<SiloEntry, bool> hidden) =>
        new(view.Began, view.Returned, view.LongestGrace, view.Silos.Where(silo => !hidden(silo)));

    /// <summary>What the asked silo does.</summary>
    private void Arrive(SimSilo asked)
    {
        world.Faults.Strike(asked);
        if (world.Mistake is Mistake.LeaseComputedBeforeMarking or Mistake.AcknowledgedBeforeMarking)
        {
            var isEarly = world.Mistake == Mistake.AcknowledgedBeforeMarking;
            var lease = asked.Void(write.Client, 0);
            if (isEarly)
            {
                Acknowledge(asked, lease);
            }

            world.Post(asked.Process, world.Random.Seconds(0.0001, 0.02), (this, write, asked, lease, isEarly), static late =>
            {
                late.asked.Void(late.write.Client, late.write.Version);
                if (!late.isEarly)
                {
                    late.Item1.Acknowledge(late.asked, late.lease);
                }
            });
            return;
        }

        Acknowledge(asked, asked.Void(write.Client, write.Version));
    }

    private void Acknowledge(SimSilo asked, TimeSpan lease) =>
        world.Network.Send(asked.Process, write.Silo.Process, (write, asked, lease), static ack => ack.write.OnVoided(ack.asked, ack.lease));
}
