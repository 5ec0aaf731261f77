namespace AdClick.Actors.Metrics;

/// <summary>What every store refuses in a catalogue.</summary>
internal static class CatalogueRules
{
    /// <exception cref="ArgumentException">The hash has not 32 bytes.</exception>
    public static void Validate(ApiKey key)
    {
        if (key.Hash.Length != 32)
        {
            throw new ArgumentException($"The hash of key '{key.Name}' has {key.Hash.Length} bytes in place of 32.", nameof(key));
        }
    }
}
