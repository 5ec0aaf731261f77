using System.Text;
using System.Text.Unicode;

namespace AdClick.Actors.Lake;

/// <summary>Texts that come again and again (user agents, networks), found by their UTF-8 bytes, so that each is made once.</summary>
internal sealed class TextTable
{
    private const int MaxTexts = 64 * 1024;

    private readonly Dictionary<string, string> _texts = new(new Comparer());
    private readonly Dictionary<string, string>.AlternateLookup<ReadOnlySpan<byte>> _byBytes;

    /// <summary>An empty table.</summary>
    public TextTable() => _byBytes = _texts.GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>The text of these bytes; null for none.</summary>
    public string? Of(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
        {
            return null;
        }

        if (_byBytes.TryGetValue(utf8, out var text))
        {
            return text;
        }

        text = Encoding.UTF8.GetString(utf8);
        if (Utf8.IsValid(utf8)) // otherwise the text's own bytes are others
        {
            if (_texts.Count >= MaxTexts)
            {
                _texts.Clear();
            }

            _texts.Add(text, text);
        }

        return text;
    }

    private sealed class Comparer : IEqualityComparer<string>, IAlternateEqualityComparer<ReadOnlySpan<byte>, string>
    {
        public bool Equals(string? x, string? y) => string.Equals(x, y, StringComparison.Ordinal);

        public int GetHashCode(string text) => GetHashCode(Encoding.UTF8.GetBytes(text));

        public bool Equals(ReadOnlySpan<byte> bytes, string text) =>
            Ascii.Equals(bytes, text) || (!Ascii.IsValid(bytes) && bytes.SequenceEqual(Encoding.UTF8.GetBytes(text)));

        // Seeded: the texts are whatever browsers, and those who pretend to be some, have sent.
        public int GetHashCode(ReadOnlySpan<byte> bytes)
        {
            var hash = default(HashCode);
            hash.AddBytes(bytes);
            return hash.ToHashCode();
        }

        public string Create(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
    }
}
