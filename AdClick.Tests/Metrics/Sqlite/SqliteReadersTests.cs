using AdClick.Actors.Metrics.Sqlite;
using AdClick.Tests.Support;
using Xunit;

namespace AdClick.Tests.Metrics.Sqlite;

public sealed class SqliteReadersTests
{
    [Fact]
    public async Task A_question_that_is_taken_back_is_interrupted()
    {
        await using var file = await SqliteStoreFile.OpenAsync();

        // A scan that would take minutes: a million rows are multiplied with each other.
        using var cancellation = new CancellationTokenSource();
        using var readers = new SqliteReaders(file.File, 1);
        var started = new TaskCompletionSource();
        var endless = readers.RunAsync(
            database =>
            {
                started.SetResult();
                return database.ReadInt64("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
            },
            cancellation.Token);
        var waiting = readers.RunAsync(_ => 1, cancellation.Token);
        await started.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => endless.WaitAsync(TimeSpan.FromSeconds(30)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(TimeSpan.FromSeconds(30)));

        // The connection goes on with the next question.
        Assert.Equal(1, await readers.RunAsync(database => database.ReadInt64("SELECT 1"), default));
    }
}
