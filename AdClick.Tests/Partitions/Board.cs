using AdClick.Actors.Partitions;

namespace AdClick.Tests.Partitions;

/// <summary>Waits for what partitions post. They do so at each flush tick, so the board goes on telling as long as one lives.</summary>
internal static class Board
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>Ends when the condition holds; it is looked at whenever the board has changed.</summary>
    public static async Task WaitForAsync(PartitionBoard board, Func<IReadOnlyList<PartitionStatus>, bool> condition, string what)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        while (true)
        {
            var change = board.NextChange;
            if (condition(board.Snapshot()))
            {
                return;
            }

            try
            {
                await change.WaitAsync(deadline.Token);
            }
            catch (OperationCanceledException e)
            {
                throw new TimeoutException($"Waited {Deadline} for {what}. The board says: {string.Join("; ", board.Snapshot())}", e);
            }
        }
    }

    /// <summary>Ends when the board has changed so many times.</summary>
    public static async Task WaitForChangesAsync(PartitionBoard board, int changes)
    {
        for (var i = 0; i < changes; i++)
        {
            await board.NextChange.WaitAsync(Deadline);
        }
    }
}
