using AdClick.Actors.ClickLog;
using AdClick.Actors.Metrics;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;

namespace AdClick.Actors.Partitions;

/// <summary>
/// Goes through what the start of a partition needs, before a node joins its cluster: connections to the log, the metrics store and the journal, and their code, which is compiled when it is first run. The first
/// partition that moves to a new node would otherwise stand still for all of that. It reads a partition's checkpoint, whoever owns it, and writes nothing; what fails here is tried again by the partitions,
/// which say why.
/// </summary>
internal static class PartitionRehearsal
{
    private const int Partition = 0;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Ends when all is done, or failed, or after 20 s, whichever comes first.</summary>
    public static async Task RunAsync(ActorSystem system, PartitionContext context)
    {
        var log = Logging.GetLogger(system, typeof(PartitionRehearsal));
        using var patience = new CancellationTokenSource(Patience);
        await Task.WhenAll(
            TryAsync("the click log", ReadLogAsync), TryAsync("the metrics store", ReadStoreAsync), TryAsync("the journal", RecoverAsync)).ConfigureAwait(false);

        async Task TryAsync(string what, Func<Task> step)
        {
            try
            {
                await Task.Run(step).WaitAsync(patience.Token).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                log.Warning("This node joins its cluster without having reached {0}: {1}", what, e.Message);
            }
        }

        async Task ReadLogAsync()
        {
            // The leaders of neighbouring partitions are on different brokers.
            var partitions = Enumerable.Range(0, Math.Min(context.Log.Identity.Partitions, 32));
            var ranges = await Task.WhenAll(partitions.Select(partition => context.Log.FindRangeAsync(partition, patience.Token).AsTask())).ConfigureAwait(false);
            var filled = Array.FindIndex(ranges, range => range.End > range.Begin);
            if (filled >= 0)
            {
                using var reader = context.Log.OpenReader(filled, ranges[filled].End - 1);
                await reader.ReadAsync(1, patience.Token).ConfigureAwait(false);
            }
        }

        Task ReadStoreAsync() => context.Store.ReadProgressAsync(context.Log.Identity.Epoch, patience.Token);

        async Task RecoverAsync()
        {
            var recovered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var rehearsal = system.ActorOf(Props.Create(() => new Recovery(context.Log.Identity.Epoch, recovered)).WithDispatcher(CountingDispatcher.Path), "partition-rehearsal");
            try
            {
                await recovered.Task.WaitAsync(patience.Token).ConfigureAwait(false);
            }
            finally
            {
                system.Stop(rehearsal);
            }
        }
    }

    private sealed class Recovery : UntypedPersistentActor
    {
        private readonly TaskCompletionSource _recovered;
        private readonly SavedPartition _saved = new(Partition);

        public Recovery(Guid logEpoch, TaskCompletionSource recovered)
        {
            PersistenceId = PartitionActor.PersistenceIdOf(logEpoch, Partition);
            _recovered = recovered;
        }

        public override string PersistenceId { get; }

        protected override void OnRecover(object message)
        {
            if (message is RecoveryCompleted)
            {
                _recovered.TrySetResult();
            }
            else
            {
                _saved.Take(message, LastSequenceNr);
            }
        }

        protected override void OnCommand(object message) => Unhandled(message);

        protected override void OnRecoveryFailure(Exception reason, object? message = null) => _recovered.TrySetException(reason);
    }
}
