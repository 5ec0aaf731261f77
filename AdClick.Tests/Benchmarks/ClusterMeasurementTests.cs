using AdClick.Benchmarks.Cluster;
using Xunit;

namespace AdClick.Tests.Benchmarks;

/// <summary>What the commands <c>costs</c> and <c>pauses</c> read and work out.</summary>
public sealed class ClusterMeasurementTests
{
    [Theory]
    [InlineData("127.0.0.1:8080", "127.0.0.1:47720", 8080, 47720)]
    [InlineData("[::ffff:127.0.0.1]:8080", "[::1]:47720", 8080, 47720)]
    public void A_connection_is_read_from_a_line_of_ss(string local, string peer, int localPort, int peerPort)
    {
        var socket = SocketTable.Parse(
            $"0      0      {local}           {peer} users:((\"dotnet\",pid=7602,fd=373)) bbr wscale:10,10 rto:212 bytes_sent:217516 bytes_acked:217515 bytes_received:11577 segs_out:121 segs_in:192 data_segs_out:101");
        Assert.Equal((7602, localPort, peerPort, 217516, 11577, 121), (socket!.Process, socket.LocalPort, socket.PeerPort, socket.Sent, socket.Received, socket.Segments));
    }

    [Fact]
    public void A_connection_that_has_sent_nothing_yet_has_sent_0_bytes_and_one_of_nobody_is_left_out()
    {
        Assert.Equal(0, SocketTable.Parse("0 0 127.0.0.1:1 127.0.0.1:2 users:((\"dotnet\",pid=1,fd=3)) cubic rto:204 segs_in:2")!.Sent);
        Assert.Null(SocketTable.Parse("0 0 127.0.0.1:1 127.0.0.1:2 cubic rto:204 bytes_sent:5"));
    }

    [Fact]
    public void A_metric_is_the_sum_over_its_labels_and_of_no_metric_with_a_longer_name()
    {
        const string page = "# TYPE clicks counter\nclicks{a=\"x y\",b=\"}\"} 3 1700000000000\nclicks{a=\"z\"} 4\nclicks 0.5\nclicks_total 100\n";
        Assert.Equal(7.5, CostsRun.Sum(page, "clicks"));
    }

    [Fact]
    public void The_longest_pause_is_between_two_steps_or_up_to_now_and_old_news_are_none()
    {
        var pauses = new PartitionPauses();
        pauses.Note(0, 10, TimeSpan.FromSeconds(1));
        pauses.Note(0, 20, TimeSpan.FromSeconds(2));
        pauses.Note(0, 15, TimeSpan.FromSeconds(4)); // another node's older word
        pauses.Note(0, 21, TimeSpan.FromSeconds(5));
        pauses.Note(1, 7, TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.FromSeconds(3), pauses.At(TimeSpan.FromSeconds(6))[0]);
        Assert.Equal(TimeSpan.FromSeconds(4), pauses.At(TimeSpan.FromSeconds(9))[0]);
        Assert.Equal(TimeSpan.FromSeconds(5), pauses.At(TimeSpan.FromSeconds(6))[1]);
    }
}
