using System.Text;
using AdClick.Benchmarks.Load;
using Xunit;

namespace AdClick.Tests.Benchmarks;

public class HttpAnswerTests
{
    [Theory]
    [InlineData("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: https://a.example/\r\n\r\n", 302)]
    [InlineData("HTTP/1.1 404 Not Found\r\ncontent-length:  5 \r\nContent-Type: text/plain\r\n\r\nhello", 404)]
    [InlineData("HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n", 503)]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n", 204)]
    public void An_answer_is_complete_at_its_last_byte_and_not_before(string text, int expected)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Equal(0, HttpAnswer.Read(bytes.AsSpan(0, length), out _, out _));
        }

        Assert.Equal(bytes.Length, HttpAnswer.Read(Encoding.ASCII.GetBytes(text + "HTTP/1.1 200 OK"), out var status, out var closes));
        Assert.Equal(expected, status);
        Assert.False(closes);
    }

    [Fact]
    public void A_server_that_closes_says_so()
    {
        HttpAnswer.Read("HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"u8, out _, out var closes);
        Assert.True(closes);
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH\r\n\r\n")]
    [InlineData("HTTP/1.1 abc\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")]
    public void What_is_not_HTTP_is_refused(string text) =>
        Assert.Throws<FormatException>(() => HttpAnswer.Read(Encoding.ASCII.GetBytes(text), out _, out _));
}
