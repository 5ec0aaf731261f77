using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence.Sql.Journal;

namespace AdClick.Actors.Journal;

/// <summary>
/// The SQL journal on PostgreSQL, which creates its tables when the first partition recovers. While it can't, that recovery fails, says why, and is tried
/// again by whoever starts the partition again.
/// </summary>
public class PostgresJournal : SqlWriteJournal
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(60);

    private readonly PostgresJournalTables _tables;

    /// <summary>Made by Akka.Persistence.</summary>
    /// <param name="config">Section <c>akka.persistence.journal.postgres</c>.</param>
    public PostgresJournal(Config config)
        : base(config) => _tables = new PostgresJournalTables(config.GetString("connection-string"));

    /// <inheritdoc/>
    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr, CancellationToken cancellationToken)
    {
        // Every recovery begins with this question.
        return _tables.AreThere ? base.ReadHighestSequenceNrAsync(persistenceId, fromSequenceNr, cancellationToken) : CreateThenReadAsync(Self);

        async Task<long> CreateThenReadAsync(IActorRef self)
        {
            await _tables.EnsureAsync();

            // The base class looks at its writes under way, and may do so only as an actor.
            var answer = await self.Ask<Task<long>>(
                new Read(() => base.ReadHighestSequenceNrAsync(persistenceId, fromSequenceNr, cancellationToken)), AnswerTimeout, cancellationToken);
            return await answer;
        }
    }

    /// <inheritdoc/>
    protected override bool ReceivePluginInternal(object message)
    {
        if (message is not Read read)
        {
            return base.ReceivePluginInternal(message);
        }

        Sender.Tell(read.Begin());
        return true;
    }

    private sealed record Read(Func<Task<long>> Begin) : INoSerializationVerificationNeeded;
}
