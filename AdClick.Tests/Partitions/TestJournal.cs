using AdClick.Actors.Ads;
using AdClick.Actors.Partitions;
using Akka.Actor;
using Akka.Persistence;
using Microsoft.Data.Sqlite;

namespace AdClick.Tests.Partitions;

/// <summary>Looks into a partition's journal, and writes into it what no partition would.</summary>
internal static class TestJournal
{
    /// <summary>Sequence number and message of every row, in order.</summary>
    public static IReadOnlyList<(long SequenceNr, object Message)> Read(string file, string persistenceId)
    {
        using var connection = new SqliteConnection($"Data Source={file};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM sqlite_schema WHERE name = 'journal'";
        if ((long)command.ExecuteScalar()! == 0)
        {
            return []; // nothing was ever written
        }

        command.CommandText = "SELECT sequence_number, manifest, message FROM journal WHERE persistence_id = $id ORDER BY sequence_number";
        command.Parameters.AddWithValue("$id", persistenceId);
        using var rows = command.ExecuteReader();
        var read = new List<(long, object)>();
        while (rows.Read())
        {
            var bytes = (byte[])rows[2];
            read.Add(
                (rows.GetInt64(0), rows.GetString(1) == "C" ? CheckpointReached.Parser.ParseFrom(bytes) : PartitionDelta.Parser.ParseFrom(bytes)));
        }

        return read;
    }

    /// <summary>The checkpoints among the rows.</summary>
    public static IReadOnlyList<CheckpointReached> Checkpoints(string file, string persistenceId) =>
        [.. Read(file, persistenceId).Select(row => row.Message).OfType<CheckpointReached>()];

    /// <summary>Writes a checkpoint of one ad.</summary>
    public static async Task WriteAsync(ActorSystem system, string persistenceId, AdDelta delta, CheckpointReached checkpoint)
    {
        var writer = system.ActorOf(Props.Create(() => new Writer(persistenceId)));
        await writer.Ask<string>(new object[] { new PartitionDelta { Ads = { delta } }, checkpoint }, TimeSpan.FromSeconds(30));
        await writer.GracefulStop(TimeSpan.FromSeconds(30));
    }

    private sealed class Writer : UntypedPersistentActor
    {
        public Writer(string persistenceId) => PersistenceId = persistenceId;

        public override string PersistenceId { get; }

        protected override void OnCommand(object message)
        {
            var sender = Sender;
            var events = (object[])message;
            PersistAllAsync(events, persisted =>
            {
                if (ReferenceEquals(persisted, events[^1]))
                {
                    sender.Tell("written");
                }
            });
        }

        protected override void OnRecover(object message)
        {
        }
    }
}
