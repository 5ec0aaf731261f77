using AdClick.Actors.ClickLog;
using Akka.Streams;
using Akka.Streams.Stage;

namespace AdClick.Actors.Partitions;

/// <summary>
/// The source of a partition's stream: reads and decodes one batch each time the pipeline asks, so nothing is read that nobody wants yet.
/// Completes only when it is stopped; fails when the log does.
/// </summary>
internal sealed class PartitionSource : GraphStage<SourceShape<PartitionBatch>>
{
    private readonly IClickLog _log;
    private readonly int _partition;
    private readonly long _offset;
    private readonly long _clockMs;
    private readonly int _maxRecords;
    private readonly TimeSpan _linger;

    /// <summary>A source that starts at a checkpoint.</summary>
    /// <param name="log">The log.</param>
    /// <param name="partition">Partition.</param>
    /// <param name="offset">First offset to read.</param>
    /// <param name="clockMs">Partition clock before it.</param>
    /// <param name="maxRecords">Most records in a batch.</param>
    /// <param name="linger">
    /// Pause after a batch that was far from full. At a trickle every commit of the log would otherwise become a batch of its own, each with the
    /// cost of one.
    /// </param>
    public PartitionSource(IClickLog log, int partition, long offset, long clockMs, int maxRecords, TimeSpan linger)
    {
        _log = log;
        _partition = partition;
        _offset = offset;
        _clockMs = clockMs;
        _maxRecords = maxRecords;
        _linger = linger;
        Shape = new SourceShape<PartitionBatch>(Out);
    }

    /// <inheritdoc/>
    public override SourceShape<PartitionBatch> Shape { get; }

    private Outlet<PartitionBatch> Out { get; } = new("PartitionSource.out");

    /// <inheritdoc/>
    protected override GraphStageLogic CreateLogic(Attributes inheritedAttributes) => new Logic(this);

    private sealed class Logic : TimerGraphStageLogic
    {
        private readonly PartitionSource _source;
        private readonly CancellationTokenSource _stopped = new();
        private readonly BatchDecoder _decoder;
        private readonly Action<(PartitionBatch? Batch, Exception? Failure)> _onRead;
        private IClickLogReader? _reader;
        private int _isReading;
        private bool _isCaughtUp;

        public Logic(PartitionSource source)
            : base(source.Shape)
        {
            _source = source;
            _decoder = new BatchDecoder(source._partition, source._log.Identity.Partitions, source._offset, source._clockMs);
            _onRead = GetAsyncCallback<(PartitionBatch? Batch, Exception? Failure)>(OnRead);
            SetHandler(source.Out, OnPull);
        }

        public override void PreStart() => _reader = _source._log.OpenReader(_source._partition, _source._offset);

        public override void PostStop()
        {
            _stopped.Cancel();
            if (Volatile.Read(ref _isReading) == 0)
            {
                _reader?.Dispose();
            }
        }

        protected override void OnTimer(object timerKey) => Read();

        private void OnPull()
        {
            if (_isCaughtUp && _source._linger > TimeSpan.Zero)
            {
                ScheduleOnce(this, _source._linger);
            }
            else
            {
                Read();
            }
        }

        private void Read()
        {
            var read = _reader!.ReadAsync(_source._maxRecords, _stopped.Token);
            if (read.IsCompletedSuccessfully)
            {
                Push(Decode(read.Result));
                return;
            }

            Volatile.Write(ref _isReading, 1);
            _ = AwaitAsync(read);
        }

        // The reader serves one thread at a time: when a read is under way at the stop, whoever finishes it closes the reader.
        private async Task AwaitAsync(ValueTask<LogBatch> read)
        {
            PartitionBatch? batch = null;
            Exception? failure = null;
            try
            {
                batch = Decode(await read.ConfigureAwait(false));
            }
            catch (Exception e)
            {
                failure = e;
            }

            Interlocked.Exchange(ref _isReading, 0);
            if (_stopped.IsCancellationRequested)
            {
                _reader!.Dispose();
                return;
            }

            _onRead((batch, failure));
        }

        private void OnRead((PartitionBatch? Batch, Exception? Failure) read)
        {
            if (read.Failure is { } failure)
            {
                FailStage(failure);
            }
            else
            {
                Push(read.Batch!);
            }
        }

        private PartitionBatch Decode(LogBatch batch)
        {
            _isCaughtUp = batch.Count < _source._maxRecords / 8;
            return _decoder.Decode(batch);
        }

        private void Push(PartitionBatch batch) => Push(_source.Out, batch);
    }
}
