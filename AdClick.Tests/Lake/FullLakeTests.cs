using AdClick.Tests.ClickLog;
using AdClick.Tests.Partitions;
using Xunit;

namespace AdClick.Tests.Lake;

public sealed class FullLakeTests
{
    [TmpfsFact]
    public async Task A_full_disk_makes_the_archive_wait_and_leaves_nothing_behind_when_there_is_room_again()
    {
        await using var fixture = new LakeFixture();
        for (var i = 0; i < 2_000; i++)
        {
            fixture.Log.Append(0, TestClick.Start, TestClick.Record("ad", i, (ulong)i * 0x9E3779B97F4A7C15, TestClick.Start + i));
        }

        Directory.CreateDirectory(fixture.Lake);
        using var disk = new SmallFileSystem(fixture.Lake, "16k");
        await using var archive = fixture.Open(LakeFixture.Fast with { MaxRows = 2_000 });
        await fixture.StartAsync(archive);
        while (true)
        {
            var change = archive.NextChange;
            if (archive.Notices.Count > 0)
            {
                break;
            }

            await change.WaitAsync(TimeSpan.FromMinutes(2));
        }

        Assert.Contains("can't be archived", Assert.Single(archive.Notices), StringComparison.Ordinal);
        Assert.Empty(LakeReader.Clicks(fixture.Lake));
        Assert.Equal(0, archive.KeepFrom(0)); // the log is not let go of

        disk.Remount("size=8m");
        await fixture.DrainAsync(archive);
        await fixture.ArchiveAllAsync();
        await fixture.AssertIsTheLogAsync();
        Assert.Empty(archive.Notices);
    }
}
