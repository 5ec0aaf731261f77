using System.Globalization;
using System.Security.Cryptography;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Api;
using AdClick.Gateway.Metrics;

namespace AdClick.Gateway.Live;

/// <summary>
/// Follows the answer to one question for all who look on: asks it again and again, notes which buckets have changed, and keeps the present state. A viewer that is
/// slow, or comes back, gets what has changed since the state that it knows; nothing is queued for anybody.
/// </summary>
internal sealed partial class LiveFeed
{
    private readonly LiveQuestion _question;
    private readonly ClickAnswers _answers;
    private readonly LiveClicksSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    // IDs of another process, or of a feed that was forgotten, must not pass for ours.
    private readonly string _name = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
    private volatile LiveState _state;
    private long _toldAt;

    /// <summary>A feed that has not looked yet.</summary>
    public LiveFeed(LiveQuestion question, ClickAnswers answers, LiveClicksSettings settings, TimeProvider time, ILogger logger)
    {
        _question = question;
        _answers = answers;
        _settings = settings;
        _time = time;
        _logger = logger;
        _state = new LiveState(_name) { Serial = 0, Version = 0 };
    }

    /// <summary>The newest state; serial 0 before the first look.</summary>
    public LiveState State => _state;

    /// <summary>The version that the ID of an event stands for; 0 when it is none of this feed's.</summary>
    public long VersionOf(string? eventId) =>
        eventId?.Split('-') is [var name, var text] && name == _name
            && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version) && version <= _state.Version
            ? version
            : 0;

    /// <summary>Looks once.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        var answer = await _answers.AskAsync(_question.At(_time.GetUtcNow()), cancellationToken);
        switch (answer)
        {
            case MetricsAnswers.Report { Value: var report }:
                Take(report);
                break;
            case MetricsAnswers.Failed { Cause: var cause }:
                if (_state.Trouble is null)
                {
                    LogFailed(cause);
                }

                Tell(new Problem(ProblemKind.InternalError, "AdClick failed on this question, which is a fault of its own; it is tried again."));
                break;
            case MetricsAnswers.Cancelled:
                break;
            default:
                Tell(ClickAnswers.ProblemOf(answer));
                break;
        }
    }

    private void Take(ClickReport report)
    {
        var before = _state;
        var version = before.Version + 1;
        var known = before.Buckets.ToDictionary(known => known.Bucket.Start);
        var buckets = report.Series
            .Select(bucket => known.TryGetValue(bucket.Start, out var old) && old.Bucket == bucket ? old : (Bucket: bucket, Version: version))
            .ToList();
        var isChanged = buckets.Exists(bucket => bucket.Version == version);

        // How far the numbers are complete moves on all the time: by itself it is news only now and then.
        var isDue = before.CompleteThrough != report.CompleteThrough && _time.GetElapsedTime(_toldAt) >= _settings.Heartbeat;
        if (!isChanged && !isDue && before.Trouble is null)
        {
            return;
        }

        Replace(new LiveState(_name)
        {
            Serial = before.Serial + 1,
            Version = isChanged ? version : before.Version,
            From = report.From,
            To = report.To,
            CompleteThrough = report.CompleteThrough,
            Buckets = buckets,
        });
    }

    private void Tell(Problem trouble)
    {
        var before = _state;
        if (before.Trouble?.Kind != trouble.Kind)
        {
            Replace(new LiveState(_name)
            {
                Serial = before.Serial + 1,
                Version = before.Version,
                From = before.From,
                To = before.To,
                CompleteThrough = before.CompleteThrough,
                Buckets = before.Buckets,
                Trouble = trouble,
            });
        }
    }

    private void Replace(LiveState state)
    {
        var before = _state;
        _toldAt = _time.GetTimestamp();
        _state = state;
        before.Replace();
    }

    [LoggerMessage(LogLevel.Error, "A stream of clicks can't be continued; it is tried again.")]
    private partial void LogFailed(Exception cause);
}
