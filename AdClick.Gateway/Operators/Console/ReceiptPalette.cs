using System.Globalization;
using AdClick.Actors.Clicks;
using AdClick.Actors.Lake.Receipts;
using AdClick.Actors.Metrics;
using AdClick.Gateway.Proofs;

namespace AdClick.Gateway.Operators.Console;

/// <summary>Receipts of clicks.</summary>
internal sealed class ReceiptPalette : IOperatorPalette
{
    private readonly ReceiptAccess _receipts;
    private readonly SigningKeyRing _keys;

    /// <summary>The commands on this node.</summary>
    public ReceiptPalette(ReceiptAccess receipts, SigningKeyRing keys)
    {
        _receipts = receipts;
        _keys = keys;
        Commands =
        [
            new("clicks", "receipts",
                "Every logged click of an impression: ad | sub-shard | outcome | click time | append time | partition | offset | nonce | file of the data lake, where it is archived. Then what could not be looked through.",
                ReceiptsAsync)
            {
                Arguments =
                [
                    new("id", "-i", "A click ID, or an impression ID.") { IsRequired = true },
                    new("ad", "-a", "With an impression ID: the ad, without which all partitions are looked through."),
                ],
            },
        ];
    }

    /// <inheritdoc/>
    public IReadOnlyList<OperatorCommand> Commands { get; }

    private async IAsyncEnumerable<OperatorLine> ReceiptsAsync(OperatorCall call)
    {
        var receipt = await FindAsync(call);
        if (receipt.Clicks.Count == 0)
        {
            throw new OperatorCommandException(string.Join(' ', [$"No click of impression {receipt.Impression} was found.", .. Missing(receipt)]));
        }

        foreach (var (click, outcome, file, _) in receipt.Clicks)
        {
            yield return OperatorLine.Of(
                ("ad", click.Ad.AdId), ("subShard", OperatorLine.Number(click.Ad.SubShard)), ("outcome", outcome.Name()), ("clickTime", Time(click.Logged.ClickTimeMs)),
                ("appendTime", Time(click.AppendTimeMs)), ("partition", OperatorLine.Number(click.Partition)), ("offset", OperatorLine.Number(click.Logged.Offset)),
                ("nonce", click.Logged.Nonce.ToString("x16", CultureInfo.InvariantCulture)), ("file", file ?? ""));
        }

        foreach (var sentence in Missing(receipt))
        {
            yield return OperatorLine.Of(("missing", sentence));
        }
    }

    private async Task<ClickReceipt> FindAsync(OperatorCall call)
    {
        var service = _receipts.Service
            ?? throw new OperatorCommandException("Clicks are not archived (AdClick:Lake:Storage is 'off' on this node): there is nothing to make receipts from.");
        try
        {
            return await service.FindAsync(QuestionOf(call), call.Cancelled);
        }
        catch (ReceiptTooBroadException e)
        {
            throw new OperatorCommandException($"{e.Message}. Ask with the click ID or the ad, or when more of it is archived.");
        }
        catch (TimeoutException)
        {
            throw new OperatorCommandException("Looking for the click took too long. Ask with the click ID or the ad.");
        }
        catch (IOException e)
        {
            throw new OperatorCommandException($"Database, data lake or click log can't be read: {e.Message}");
        }
    }

    private ReceiptQuestion QuestionOf(OperatorCall call)
    {
        var (id, adId) = (call["id"], call.Find("ad"));
        if (adId is not null && !Ids.IsValid(adId))
        {
            throw new OperatorCommandException($"There is no ad '{adId}'.");
        }

        if (ImpressionId.TryParse(id, out var impression))
        {
            return new ReceiptQuestion(impression) { AdId = adId };
        }

        return _keys.TryVerifyClickId(id, out var clickId)
            ? ReceiptQuestion.Of(clickId)
            : throw new OperatorCommandException("--id must be a click ID that was signed by one of AdClick:SigningKeys, or an impression ID, a UUIDv7 in hyphenated form.");
    }

    private static IEnumerable<string> Missing(ClickReceipt receipt) => receipt.KeptFromMs is { } keptFromMs
        ? [.. receipt.Missing, $"Raw clicks before {Time(keptFromMs)} are no longer kept."]
        : receipt.Missing;

    private static string Time(long unixMs) => ReceiptResponse.Time(unixMs).ToString("yyyy-MM-ddTHH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
