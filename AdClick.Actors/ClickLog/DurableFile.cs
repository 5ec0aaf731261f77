using System.Text.Json;

namespace AdClick.Actors.ClickLog;

/// <summary>A small file that is there whole or not at all: written beside, synced, renamed, and its folder synced.</summary>
internal static class DurableFile
{
    /// <summary>Writes a value as JSON; returns when it is on disk under its name.</summary>
    /// <param name="path">The file; one that is there is replaced.</param>
    /// <param name="value">What it is to hold.</param>
    /// <param name="options">How it is written.</param>
    /// <exception cref="IOException">It can't be written or synced; a file that was there stays as it was.</exception>
    public static void Replace<T>(string path, T value, JsonSerializerOptions options)
    {
        var temporary = path + ".new";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, value, options);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        FolderSync.Sync(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }
}
