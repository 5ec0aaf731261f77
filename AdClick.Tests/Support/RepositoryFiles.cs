namespace AdClick.Tests.Support;

/// <summary>Files of the repository that tests read: documentation and data that must stay true of the code.</summary>
public static class RepositoryFiles
{
    private static readonly Lazy<string> Root = new(() =>
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "AdClick.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No AdClick.sln in {AppContext.BaseDirectory} or above it; run the tests within the repository.");
    });

    /// <summary>Full path of a file or folder that is named from the repository's root.</summary>
    public static string PathOf(string path) => Path.Combine(Root.Value, path);
}
