using AdClick.Actors.Clicks;

namespace AdClick.Gateway.Hosting;

/// <summary>Makes the key ring of a node.</summary>
internal static class SigningKeyRings
{
    /// <summary>The configured keys, or else the generated one.</summary>
    public static SigningKeyRing Make(GatewayOptions options, Func<SigningKeySetting> generated)
    {
        var keys = options.SigningKeys.Count > 0 ? options.SigningKeys : [generated()];
        return new SigningKeyRing(
            [.. keys.Select(key => new SigningKey(key.KeyId, key.Secret, key.Advertisers))], options.SigningKeyId ?? keys[0].KeyId);
    }
}
