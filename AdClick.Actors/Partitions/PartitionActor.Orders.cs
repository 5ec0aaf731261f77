using AdClick.Actors.Clicks;
using Akka.Actor;

namespace AdClick.Actors.Partitions;

internal sealed partial class PartitionActor
{
    // Operators who wait for a checkpoint, and what must lie below it.
    private readonly List<(IActorRef Asker, long Offset)> _awaitingCheckpoint = [];

    private void OnOrder(PartitionOrder order)
    {
        switch (order.OrderCase)
        {
            case PartitionOrder.OrderOneofCase.Checkpoint:
                _awaitingCheckpoint.Add((Sender, _routedOffset));
                AnswerWhenCheckpointed();
                break;
            case PartitionOrder.OrderOneofCase.DescribeAd:
                Sender.Tell(Describe(order.DescribeAd), Self);
                break;
            default:
                Unhandled(order);
                break;
        }
    }

    // A checkpoint that was under way when the operator asked may stand below what had been read by then: another one follows it.
    private void AnswerWhenCheckpointed()
    {
        if (_checkpoint is not null || _awaitingCheckpoint.Count == 0)
        {
            return;
        }

        PostStatus();
        foreach (var (asker, _) in _awaitingCheckpoint.Where(waiting => waiting.Offset <= _checkpointOffset))
        {
            asker.Tell(new PartitionAnswer { Partition = _partition, Done = true, Text = $"The checkpoint stands at offset {_checkpointOffset}." }, Self);
        }

        _awaitingCheckpoint.RemoveAll(waiting => waiting.Offset <= _checkpointOffset);
        if (_awaitingCheckpoint.Count > 0)
        {
            StartCheckpoint();
        }
    }

    private PartitionAnswer Describe(string adId)
    {
        var answer = new PartitionAnswer { Partition = _partition, Done = true };
        for (var subShard = 0; subShard < AdKey.MaxSubShards; subShard++)
        {
            if (_ads.Find(new AdKey(adId, subShard)) is { } slot)
            {
                answer.SubShards.Add(new SubShardReport
                {
                    SubShard = subShard,
                    Impressions = slot.Size.Impressions,
                    SavedBytes = slot.Size.SavedBytes,
                    AliveUntilMs = slot.Size.AliveUntilMs,
                    PendingCounts = slot.Pending.Count,
                    Changed = slot.IsDirty,
                });
            }
        }

        return answer;
    }
}
