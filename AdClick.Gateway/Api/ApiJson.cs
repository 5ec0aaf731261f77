using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using AdClick.Gateway.Ads;
using AdClick.Gateway.HotAds;
using AdClick.Gateway.Impressions;
using AdClick.Gateway.Keys;
using AdClick.Gateway.Operators;
using AdClick.Gateway.Operators.Console;
using AdClick.Gateway.Proofs;
using AdClick.Gateway.Reconciliation;

namespace AdClick.Gateway.Api;

/// <summary>How the API reads and writes JSON: camelCase, unknown or repeated fields refused, absent rather than null.</summary>
internal static class ApiJson
{
    /// <summary>
    /// Writers of large answers use these as well. Text goes out as it is: the answers are JSON, never HTML, and say so by nosniff.
    /// </summary>
    public static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The types of the API.</summary>
    public static readonly ApiJsonContext Context = new(new JsonSerializerOptions(ApiJsonContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}

/// <summary>Generated readers and writers.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ProblemBody))]
[JsonSerializable(typeof(PutAdRequest))]
[JsonSerializable(typeof(AdResponse))]
[JsonSerializable(typeof(AdListResponse))]
[JsonSerializable(typeof(IssueImpressionsRequest))]
[JsonSerializable(typeof(CreateKeyRequest))]
[JsonSerializable(typeof(CreatedKeyResponse))]
[JsonSerializable(typeof(KeyListResponse))]
[JsonSerializable(typeof(OwnKeyResponse))]
[JsonSerializable(typeof(NodeStatusResponse))]
[JsonSerializable(typeof(PinSubShardsRequest))]
[JsonSerializable(typeof(SubShardsResponse))]
[JsonSerializable(typeof(SubShardListResponse))]
[JsonSerializable(typeof(ReconciliationResponse))]
[JsonSerializable(typeof(ReceiptResponse))]
[JsonSerializable(typeof(ComparisonResponse))]
[JsonSerializable(typeof(RequestErasureRequest))]
[JsonSerializable(typeof(ErasureResponse))]
[JsonSerializable(typeof(ErasureListResponse))]
[JsonSerializable(typeof(ClusterResponse))]
[JsonSerializable(typeof(OperatorCommandList))]
[JsonSerializable(typeof(RunOperatorCommandRequest))]
[JsonSerializable(typeof(OperatorLineResponse))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
internal sealed partial class ApiJsonContext : JsonSerializerContext;
