namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// Spooled clicks on their way to Kafka. They stay in the spool until they are delivered, so that nothing has to be done for those that Kafka doesn't take.
/// </summary>
internal sealed class DrainWindow : RecordGroup
{
    // Asynchronously: the drain goes on on the pool, not on the producer's thread.
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int[] _places;
    private int _end = int.MaxValue; // index of the first click that was given up
    private int _delivered;

    /// <summary>An empty window.</summary>
    public DrainWindow(PartitionAppender partition, int capacity, long timestamp) : base(partition, timestamp, capacity) => _places = new int[capacity];

    /// <summary>Ends when all are delivered, or some are and the rest never will be.</summary>
    public Task Delivered => _ended.Task;

    /// <summary>After the end: place in the lane's batch of the first click that was not delivered; <see cref="int.MaxValue"/> if all were.</summary>
    public int FirstUndelivered => _end < Count ? _places[_end] : int.MaxValue;

    /// <summary>Why not all were delivered; null if all were.</summary>
    public string? Failure { get; private set; }

    /// <summary>Adds a click before the window is sent.</summary>
    /// <param name="place">Where it stands in the batch.</param>
    /// <param name="key">Its key.</param>
    /// <param name="record">The encoded record.</param>
    public void Add(int place, byte[] key, byte[] record)
    {
        if (Count == _places.Length)
        {
            Array.Resize(ref _places, Count * 2);
        }

        _places[Count] = place;
        AddRecord(key, record);
    }

    /// <inheritdoc/>
    /// <remarks>What was delivered behind the first that was not goes once more, and is a repeat.</remarks>
    public override (int Records, Task Safe) GiveUp(int from, bool onlyRefused, string reason)
    {
        int givenUp;
        lock (Gate)
        {
            var end = onlyRefused ? FindRefused(from) : Math.Max(from, CountSettledPrefix());
            if (end == Count)
            {
                return (0, Task.CompletedTask);
            }

            givenUp = TakeOpen(end, onlyRefused: false).Count;
            _end = Math.Min(_end, end);
            Failure = reason;
        }

        AfterReport(); // unless Kafka may still report some before the end
        return (givenUp, Task.CompletedTask);
    }

    /// <inheritdoc/>
    protected override void OnDelivered(bool isMark) => _delivered++;

    /// <inheritdoc/>
    protected override void AfterReport()
    {
        lock (Gate)
        {
            if (IsSettled && _ended.TrySetResult())
            {
                KafkaAppendMetrics.Drained.Add(_delivered);
            }
        }
    }
}
