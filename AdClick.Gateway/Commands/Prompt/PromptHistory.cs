namespace AdClick.Gateway.Commands.Prompt;

/// <summary>
/// The lines that were typed at the prompt, also in earlier sessions. A line that holds the key, or begins with a space, is not remembered.
/// </summary>
internal sealed class PromptHistory
{
    private const int MaxLines = 500;

    private readonly string? _file;
    private readonly string _secret;
    private readonly List<string> _lines = [];

    /// <summary>A history.</summary>
    /// <param name="file">Where it is kept; null to keep it nowhere. A file that can't be read or written is passed over: nobody's work rests on it.</param>
    /// <param name="secret">The key, which never gets into it.</param>
    public PromptHistory(string? file, string secret)
    {
        _file = file;
        _secret = secret;
        TryOnFile(() =>
        {
            if (File.Exists(_file))
            {
                _lines.AddRange(File.ReadLines(_file).TakeLast(MaxLines));
            }
        });
    }

    /// <summary>The lines, oldest first.</summary>
    public IReadOnlyList<string> Lines => _lines;

    /// <summary>Where a user's history is kept by default: <c>adclick/pbm-history</c> in the folder for state; null if there is none.</summary>
    public static string? DefaultFile()
    {
        var state = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return Path.IsPathRooted(state) ? Path.Combine(state, "adclick", "pbm-history")
            : home.Length > 0 ? Path.Combine(home, ".local", "state", "adclick", "pbm-history")
            : null;
    }

    /// <summary>Remembers a line.</summary>
    public void Add(string line)
    {
        if (string.IsNullOrWhiteSpace(line) || line[0] == ' ' || line.Contains(_secret, StringComparison.Ordinal) || _lines.LastOrDefault() == line)
        {
            return;
        }

        _lines.Add(line);
        if (_lines.Count > MaxLines)
        {
            _lines.RemoveAt(0);
        }

        TryOnFile(Save);
    }

    /// <summary>A walk through the lines, from the newest on.</summary>
    public Walk Recall() => new(this);

    // Whole and at once, so that it never grows beyond its bound; of two prompts at the same time, the later one's lines stay.
    private void Save()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_file)!);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var writer = new StreamWriter(_file!, options);
        foreach (var line in _lines)
        {
            writer.WriteLine(line);
        }
    }

    private void TryOnFile(Action action)
    {
        if (_file is null)
        {
            return;
        }

        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The lines of this session are in memory.
        }
    }

    /// <summary>A walk through the lines.</summary>
    internal sealed class Walk(PromptHistory history)
    {
        private int _at = history._lines.Count;
        private string _typed = "";

        /// <summary>The line before; null when there is none.</summary>
        /// <param name="present">What stands there now: it comes back at the end of the way.</param>
        public string? Older(string present)
        {
            if (_at == 0)
            {
                return null;
            }

            if (_at == history._lines.Count)
            {
                _typed = present;
            }

            return history._lines[--_at];
        }

        /// <summary>The line after; null when there is none.</summary>
        public string? Newer() => _at == history._lines.Count ? null : ++_at == history._lines.Count ? _typed : history._lines[_at];
    }
}
