using AdClick.Actors.ClickLog.Kafka;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace AdClick.Tests.ClickLog.Kafka;

public sealed class LibrdkafkaLogTests
{
    [Fact]
    public void A_flood_of_one_kind_keeps_its_level_only_now_and_then_and_hides_no_other_kind()
    {
        var time = new FakeTimeProvider();
        var lines = new LineLog();
        var log = new LibrdkafkaLog(lines, time, line => line.Replace("hunter2", "***", StringComparison.Ordinal));
        log.Write(new LogMessage("client", SyslogLevel.Error, "FAIL", "first, with hunter2"));
        log.Write(new LogMessage("client", SyslogLevel.Error, "FAIL", "second"));
        log.Write(new LogMessage("client", SyslogLevel.Warning, "CONFWARN", "other"));
        time.Advance(TimeSpan.FromSeconds(10));
        log.Write(new LogMessage("client", SyslogLevel.Error, "FAIL", "third"));

        Assert.Equal([LogLevel.Error, LogLevel.Debug, LogLevel.Warning, LogLevel.Error], lines.Lines.Select(line => line.Level));
        Assert.DoesNotContain(lines.Lines, line => line.Text.Contains("hunter2", StringComparison.Ordinal));
    }
}
