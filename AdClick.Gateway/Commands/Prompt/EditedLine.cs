using System.Text;

namespace AdClick.Gateway.Commands.Prompt;

/// <summary>A line while it is typed: text and cursor.</summary>
internal sealed class EditedLine
{
    private readonly StringBuilder _text = new();

    /// <summary>The line.</summary>
    public string Text => _text.ToString();

    /// <summary>Where the next character goes, 0 to the length of the line.</summary>
    public int Cursor { get; private set; }

    /// <summary>What stands before the cursor.</summary>
    public string BeforeCursor => _text.ToString(0, Cursor);

    /// <summary>Another line, with the cursor at its end.</summary>
    public void Replace(string text)
    {
        _text.Clear().Append(text);
        Cursor = text.Length;
    }

    /// <summary>Puts text in at the cursor.</summary>
    public void Insert(string text)
    {
        _text.Insert(Cursor, text);
        Cursor += text.Length;
    }

    /// <summary>Moves the cursor; as far as there is text.</summary>
    public void MoveTo(int cursor) => Cursor = Math.Clamp(cursor, 0, _text.Length);

    /// <summary>Moves the cursor to the begin of the word before it.</summary>
    public void MoveToWordBefore() => Cursor = WordBefore();

    /// <summary>Moves the cursor to the end of the word behind it.</summary>
    public void MoveToWordAfter()
    {
        while (Cursor < _text.Length && _text[Cursor] == ' ')
        {
            Cursor++;
        }

        while (Cursor < _text.Length && _text[Cursor] != ' ')
        {
            Cursor++;
        }
    }

    /// <summary>Removes the character before the cursor.</summary>
    public void Backspace() => RemoveFrom(Math.Max(0, Cursor - 1));

    /// <summary>Removes the word before the cursor.</summary>
    public void RemoveWordBefore() => RemoveFrom(WordBefore());

    /// <summary>Removes all before the cursor.</summary>
    public void RemoveBefore() => RemoveFrom(0);

    /// <summary>Removes the character at the cursor.</summary>
    public void Delete()
    {
        if (Cursor < _text.Length)
        {
            _text.Remove(Cursor, 1);
        }
    }

    /// <summary>Removes all from the cursor on.</summary>
    public void RemoveAfter() => _text.Length = Cursor;

    private void RemoveFrom(int start)
    {
        _text.Remove(start, Cursor - start);
        Cursor = start;
    }

    private int WordBefore()
    {
        var start = Cursor;
        while (start > 0 && _text[start - 1] == ' ')
        {
            start--;
        }

        while (start > 0 && _text[start - 1] != ' ')
        {
            start--;
        }

        return start;
    }
}
