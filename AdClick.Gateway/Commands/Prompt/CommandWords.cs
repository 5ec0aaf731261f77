using System.Text;

namespace AdClick.Gateway.Commands.Prompt;

/// <summary>A line that was typed, as words: apart by spaces, together in quotes of either kind.</summary>
internal static class CommandWords
{
    /// <summary>The words of a line.</summary>
    public static List<string> Of(string line)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var isWord = false;
        char? quote = null;
        foreach (var c in line)
        {
            if (quote is not null)
            {
                if (c == quote)
                {
                    quote = null;
                }
                else
                {
                    word.Append(c);
                }
            }
            else if (c is '"' or '\'')
            {
                quote = c;
                isWord = true;
            }
            else if (!char.IsWhiteSpace(c))
            {
                word.Append(c);
                isWord = true;
            }
            else if (isWord)
            {
                words.Add(word.ToString());
                word.Clear();
                isWord = false;
            }
        }

        if (isWord)
        {
            words.Add(word.ToString());
        }

        return words;
    }
}
