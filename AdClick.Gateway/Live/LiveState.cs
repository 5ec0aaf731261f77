using System.Collections.Concurrent;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;

namespace AdClick.Gateway.Live;

/// <summary>What a feed knows at one moment. Immutable; the same for all viewers, as are the bytes that they get.</summary>
internal sealed class LiveState
{
    private readonly ConcurrentDictionary<long, byte[]> _events = [];
    private readonly TaskCompletionSource _replaced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _feed;

    /// <summary>A moment of a feed.</summary>
    /// <param name="feed">Name of the feed, for the IDs of its events.</param>
    public LiveState(string feed) => _feed = feed;

    /// <summary>Grows with every state.</summary>
    public required long Serial { get; init; }

    /// <summary>Grows with every change of a bucket.</summary>
    public required long Version { get; init; }

    /// <summary>Start of the first bucket.</summary>
    public DateTimeOffset From { get; init; }

    /// <summary>End of the last bucket.</summary>
    public DateTimeOffset To { get; init; }

    /// <summary>How far the numbers are complete.</summary>
    public DateTimeOffset CompleteThrough { get; init; }

    /// <summary>The buckets in ascending order, each with the version at which it last changed.</summary>
    public IReadOnlyList<(ClickBucket Bucket, long Version)> Buckets { get; init; } = [];

    /// <summary>Why the numbers stand still; null while they don't.</summary>
    public Problem? Trouble { get; init; }

    /// <summary>Ends when there is a newer state.</summary>
    public Task Replaced => _replaced.Task;

    /// <summary>There is a newer state.</summary>
    public void Replace() => _replaced.SetResult();

    /// <summary>The event for a viewer that has everything up to a version. Written once for all of them.</summary>
    /// <param name="since">That version; 0 for one that has nothing.</param>
    public byte[] EventSince(long since) => _events.GetOrAdd(since, static (since, state) => LiveClicksEvent.Write(state, state._feed, since), this);
}
