using AdClick.Actors.Journal;
using AdClick.Actors.Partitions;
using AdClick.Tests.Support;
using Akka.Actor;
using Xunit;

namespace AdClick.Tests.Partitions;

/// <summary>The journal's server fails in the midst of writes, goes away and comes back: partitions go on by themselves, and the counts are exact.</summary>
public sealed class PostgresOutageTests : PartitionTest
{
    private const int Ads = 40;
    private const int Rounds = 30;

    [PostgresTheory]
    [InlineData("BEFORE INSERT ON adclick_journal.journal")] // in the midst of a write
    [InlineData("AFTER INSERT ON adclick_journal.journal DEFERRABLE INITIALLY DEFERRED")] // in the midst of its commit
    public async Task Connections_that_are_cut_while_a_checkpoint_is_written_cost_no_click(string when)
    {
        await using var database = await TestDatabase.CreateAsync(TestDatabases.Postgres!);
        await using var journal = TestJournal.OpenPostgres(database);
        await new PostgresJournalTables(database.ConnectionString).EnsureAsync();

        // Every fifth row ends the connection that writes it. A sequence counts on when the write is undone.
        var constraint = when.StartsWith("AFTER", StringComparison.Ordinal) ? "CONSTRAINT " : "";
        await database.RunAsync(
            $"""
            CREATE SEQUENCE rows_written;
            CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF nextval('rows_written') % 5 = 0 THEN
                    PERFORM pg_terminate_backend(pg_backend_pid());
                    PERFORM pg_sleep(60); -- where it ends
                END IF;
                RETURN NEW;
            END $$;
            CREATE {constraint}TRIGGER cut {when} FOR EACH ROW EXECUTE FUNCTION cut();
            """);
        await using (var harness = new PartitionHarness(journal))
        {
            var context = PartitionHarness.Context(Log, Store);
            harness.Start(context);
            await CountRoundsAsync(context, () => Task.CompletedTask);
            await Board.WaitForAsync(context.Board, IsCheckpointed, "everything to be in a checkpoint");
            Assert.True(context.Board.Snapshot()[0].OwnerEpoch > 3, "Hardly a connection was cut.");
            await database.RunAsync("DROP TRIGGER cut ON adclick_journal.journal");
        }

        await AssertRecoversExactlyAsync(journal);
    }

    [PostgresFact]
    public async Task Connections_that_an_administrator_cuts_at_any_moment_cost_no_click()
    {
        await using var database = await TestDatabase.CreateAsync(TestDatabases.Postgres!);
        await using var journal = TestJournal.OpenPostgres(database);
        await using (var harness = new PartitionHarness(journal))
        {
            var context = PartitionHarness.Context(Log, Store);
            harness.Start(context);
            var cut = 0L;
            await CountRoundsAsync(context, async () => cut += (long)(await database.RunAsync(
                """
                SELECT count(*) FILTER (WHERE pg_terminate_backend(pid))
                FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                """))!);
            await Board.WaitForAsync(context.Board, IsCheckpointed, "everything to be in a checkpoint");
            Assert.True(cut > Rounds / 3, $"Only {cut} connections were cut.");
        }

        await AssertRecoversExactlyAsync(journal);
    }

    [OwnPostgresFact]
    public async Task A_partition_waits_for_a_server_that_is_away_at_its_start_and_goes_on_when_one_is_stopped_and_started()
    {
        await using var server = await OwnPostgres.StartNewAsync();
        await using var database = await TestDatabase.CreateAsync(server.ConnectionString);
        await using var journal = TestJournal.OpenPostgres(database);
        await server.StopAsync();
        await using (var harness = new PartitionHarness(journal))
        {
            var starts = 0;
            var gate = new GatedStore(Store)
            {
                OnAcquire = acquire =>
                {
                    Interlocked.Increment(ref starts);
                    return acquire();
                },
            };
            var context = PartitionHarness.Context(Log, gate);
            harness.Start(context);
            AppendRound(0);
            await Board.WaitForAsync(
                context.Board, board => board.Any(status => status.Reason?.Contains("connect", StringComparison.Ordinal) == true), "the reason");
            await FailsAgainAndAgainAsync();
            await server.StartAsync();
            await Board.WaitForAsync(context.Board, IsCheckpointed, "the first round to be in a checkpoint");

            for (var round = 1; round <= 2; round++)
            {
                await server.StopAsync();
                AppendRound(round);
                await FailsAgainAndAgainAsync();
                await server.StartAsync();
                await Board.WaitForAsync(context.Board, IsCheckpointed, "the next round to be in a checkpoint");
            }

            // More starts than would pause a partition that fails by itself.
            Task FailsAgainAndAgainAsync()
            {
                var enough = Volatile.Read(ref starts) + 5;
                return Board.WaitForAsync(context.Board, _ => Volatile.Read(ref starts) >= enough, "failing starts");
            }
        }

        await AssertRecoversExactlyAsync(journal, rounds: 3);
    }

    private bool IsCheckpointed(IReadOnlyList<PartitionStatus> board) =>
        board.Any(status => status.Phase == PartitionPhase.Running && status.CheckpointOffset == Log.RangeOf(0).End);

    private async Task CountRoundsAsync(PartitionContext context, Func<Task> afterEach)
    {
        for (var round = 0; round < Rounds; round++)
        {
            AppendRound(round);
            await Board.WaitForChangesAsync(context.Board, 3); // it counts, checkpoints, fails or starts again
            await afterEach();
        }
    }

    // One impression of each ad in each round; from the second on, that of the round before is clicked again.
    private void AppendRound(int round)
    {
        for (var ad = 0; ad < Ads; ad++)
        {
            Log.Append(0, TestClick.Start, TestClick.Record($"ad{ad}", round, 1, TestClick.Start));
            Log.Append(0, TestClick.Start, TestClick.Record($"ad{ad}", Math.Max(round - 1, 0), 2 + (ulong)round, TestClick.Start));
        }
    }

    /// <summary>What the journal holds is whole: a new owner has every impression of it, and counts clicks of all of them as duplicates.</summary>
    private async Task AssertRecoversExactlyAsync(TestJournal journal, int rounds = Rounds)
    {
        await using var harness = new PartitionHarness(journal);
        var watched = new WatchedClickLog(Log);
        var end = Log.RangeOf(0).End;
        var context = PartitionHarness.Context(watched, Store);
        var entity = harness.Start(context);
        await watched.Opened.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal([end], watched.Offsets);
        for (var ad = 0; ad < Ads; ad++)
        {
            for (var round = 0; round < rounds; round++)
            {
                Log.Append(0, TestClick.Start, TestClick.Record($"ad{ad}", round, 1_000, TestClick.Start));
            }
        }

        await PartitionHarness.WaitUntilFlushedAsync(Log, Store);
        await PartitionHarness.HandOffAsync(entity);
        for (var ad = 0; ad < Ads; ad++)
        {
            Assert.Equal(rounds, Store.Counts()[($"ad{ad}", 0, Minute, Actors.Clicks.ClickOutcome.Accepted)]);
            Assert.Equal(2 * rounds, Store.Counts()[($"ad{ad}", 0, Minute, Actors.Clicks.ClickOutcome.Duplicate)]);
        }
    }
}
