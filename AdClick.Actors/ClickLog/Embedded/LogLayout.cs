namespace AdClick.Actors.ClickLog.Embedded;

/// <summary>
/// How addresses of a partition map to files. An address is FasterLog's: a byte position in the endless row of a partition's segment files. A record
/// never crosses a page, so every page that was written begins with a record; that makes the pages an index by offset.
/// </summary>
/// <param name="PageBytes">Bytes of a page, a power of two.</param>
/// <param name="SegmentBytes">Bytes of a segment file, a power of two and a multiple of the page.</param>
internal readonly record struct LogLayout(int PageBytes, long SegmentBytes)
{
    /// <summary>Address of the first record of a log: FasterLog leaves the first 64 bytes of page 0 empty.</summary>
    public const long FirstAddress = 64;

    /// <summary>Start of the page that holds an address.</summary>
    public long PageStart(long address) => address & ~(PageBytes - 1L);

    /// <summary>End of the page that holds an address.</summary>
    public long PageEnd(long address) => PageStart(address) + PageBytes;

    /// <summary>The first page boundary at or after an address.</summary>
    public long RoundUpToPage(long address) => PageStart(address + PageBytes - 1);

    /// <summary>Address of the first record of a page.</summary>
    public static long FirstRecordOf(long pageStart) => pageStart == 0 ? FirstAddress : pageStart;

    /// <summary>Number of the segment that holds an address.</summary>
    public int SegmentOf(long address) => (int)(address / SegmentBytes);

    /// <summary>Position of an address in its segment file.</summary>
    public long PositionOf(long address) => address & (SegmentBytes - 1);

    /// <summary>Address of the first byte of a segment.</summary>
    public long StartOf(int segment) => segment * SegmentBytes;
}
