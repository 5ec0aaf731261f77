using Confluent.Kafka;

namespace AdClick.Actors.ClickLog.Kafka;

/// <summary>
/// Records of one partition that are produced together. A record is open until Kafka reports it as written, or until somebody takes it out because
/// Kafka failed; what is reported after that changes nothing.
/// </summary>
/// <remarks>
/// One delegate serves the reports of all records of a group. A report names its record by the array that was produced; reports come in the order of
/// sending nearly always, so that the next open record is looked at first.
/// </remarks>
internal abstract class RecordGroup
{
    private Entry[] _entries;
    private int _expected;
    private int _open;
    private Error? _refusal;

    /// <summary>An empty group.</summary>
    protected RecordGroup(PartitionAppender partition, long timestamp, int capacity)
    {
        Partition = partition;
        OldestTimestamp = timestamp;
        _entries = new Entry[capacity];
        ReportHandler = OnReport;
    }

    /// <summary>Whose records they are.</summary>
    public PartitionAppender Partition { get; }

    /// <summary>From when the delivery time-out counts, as <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long OldestTimestamp { get; }

    /// <summary>How often the partition had gone away when the group was sent: a report of an earlier sending does not prove that it is back.</summary>
    public int Epoch { get; set; }

    /// <summary>Whether what is open is on its way to where it is safe: nothing has to be concluded from the group any more. The sending thread's.</summary>
    public bool IsGivenUp { get; set; }

    /// <summary>Number of records, in whatever state.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of all keys and records, in whatever state.</summary>
    public int Bytes { get; private set; }

    /// <summary>Takes the delivery report of any record of the group.</summary>
    public Action<DeliveryReport<byte[], byte[]>> ReportHandler { get; }

    /// <summary>Whether no record is open.</summary>
    public bool IsSettled => CountOpen == 0;

    /// <summary>Number of open records.</summary>
    public int CountOpen => Volatile.Read(ref _open);

    /// <summary>Guards the entries once the group is sent: reports come on the producer's thread.</summary>
    protected Lock Gate { get; } = new();

    /// <summary>Key and bytes of a record that has not been produced yet.</summary>
    public (byte[]? Key, byte[] Record) this[int index] => (_entries[index].Key, _entries[index].Record!);

    /// <summary>What the producer refused since the last call; null if nothing.</summary>
    public Error? TakeRefusal()
    {
        lock (Gate)
        {
            var refusal = _refusal;
            _refusal = null;
            return refusal;
        }
    }

    /// <summary>Has a record count as refused that the producer did not even take.</summary>
    public void Refuse(int index)
    {
        lock (Gate)
        {
            _entries[index].IsRefused = true;
        }
    }

    /// <summary>
    /// Kafka did not take these: they go where they are safe. Each record is given up once, also when this is called again.
    /// </summary>
    /// <param name="from">Index of the first of them.</param>
    /// <param name="onlyRefused">Whether to leave those that Kafka may still report.</param>
    /// <param name="reason">Sentence for whoever gets the failure.</param>
    /// <returns>Number of records given up, and a task that ends when they are safe or known not to be.</returns>
    public abstract (int Records, Task Safe) GiveUp(int from, bool onlyRefused, string reason);

    /// <summary>Adds a record.</summary>
    protected void AddRecord(byte[]? key, byte[] record)
    {
        if (Count == _entries.Length)
        {
            Array.Resize(ref _entries, Count * 2);
        }

        _entries[Count++] = new Entry { Key = key, Record = record };
        _open++;
        Bytes += record.Length + (key?.Length ?? 0);
    }

    /// <summary>Under the gate: a record that was open is written.</summary>
    protected abstract void OnDelivered(bool isMark);

    /// <summary>Outside the gate, after <see cref="OnDelivered"/>.</summary>
    protected abstract void AfterReport();

    /// <summary>Under the gate: takes out open records from an index on.</summary>
    protected List<(byte[]? Key, byte[] Record)> TakeOpen(int from, bool onlyRefused)
    {
        var taken = new List<(byte[]?, byte[])>();
        for (var i = from; i < Count && _open > 0; i++)
        {
            ref var entry = ref _entries[i];
            if (entry.Record is { } record && (entry.IsRefused || !onlyRefused))
            {
                taken.Add((entry.Key, record));
                Settle(ref entry);
            }
        }

        return taken;
    }

    /// <summary>Under the gate: number of records before the first that is open.</summary>
    protected int CountSettledPrefix()
    {
        var prefix = 0;
        while (prefix < Count && _entries[prefix].Record is null)
        {
            prefix++;
        }

        return prefix;
    }

    /// <summary>Under the gate: index of the first refused record from an index on; <see cref="Count"/> if there is none.</summary>
    protected int FindRefused(int from)
    {
        while (from < Count && !_entries[from].IsRefused)
        {
            from++;
        }

        return from;
    }

    private void OnReport(DeliveryReport<byte[], byte[]> report)
    {
        var error = report.Error;
        var isNews = false;
        lock (Gate)
        {
            var index = _open == 0 ? -1 : Find(report.Message.Value);
            if (index < 0)
            {
                return; // late: what becomes of the record is decided
            }

            ref var entry = ref _entries[index];
            if (error.IsError)
            {
                entry.IsRefused = true;
                isNews = _refusal is null;
                if (_refusal is null || DeliveryError.IsAboutRecord(_refusal.Code) || DeliveryError.IsFatal(error))
                {
                    _refusal = error; // the one with the widest effect
                }
            }
            else
            {
                _expected = index + 1;
                var isMark = entry.Key is null;
                Settle(ref entry);
                OnDelivered(isMark);
            }
        }

        if (!error.IsError)
        {
            Partition.OnDelivered(this, report.Message.Timestamp);
            AfterReport();
        }
        else
        {
            KafkaAppendMetrics.Refused(error.Code, 1);
            if (isNews)
            {
                Partition.OnRefused(this);
            }
        }
    }

    private int Find(byte[] record)
    {
        for (var i = 0; i < Count; i++)
        {
            var index = _expected + i < Count ? _expected + i : _expected + i - Count;
            if (ReferenceEquals(_entries[index].Record, record))
            {
                return index;
            }
        }

        return -1;
    }

    private void Settle(ref Entry entry)
    {
        entry = default;
        Volatile.Write(ref _open, _open - 1);
    }

    private struct Entry
    {
        public byte[]? Key; // null for a mark
        public byte[]? Record; // null when settled
        public bool IsRefused;
    }
}
