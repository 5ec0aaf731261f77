using AdClick.Actors.Lake;

namespace AdClick.Gateway.Hosting;

/// <summary>The settings of the data lake, <c>AdClick:Lake:…</c>.</summary>
internal sealed partial class SettingsReader
{
    private LakeOptions? Lake(bool isInCluster, bool skipLostClicks)
    {
        _known.Add("Lake");
        foreach (var child in _section.GetSection("Lake").GetChildren())
        {
            if (child.Key.ToUpperInvariant() is not ("STORAGE" or "FOLDER" or "MAXROWS" or "MAXBYTES" or "MAXAGE"))
            {
                Refuse($"Lake:{child.Key}", "is not a setting of AdClick; docs/operations.md lists them");
            }
        }

        // Nodes of a cluster must see one lake: a folder of each node's own would hold a part of it, and nobody would know which.
        var isOn = (isInCluster ? OneOf("Lake:Storage", "off", "folder") : OneOf("Lake:Storage", "folder", "off")) == "folder";
        var defaults = new LakeSettings { SkipLostClicks = skipLostClicks };
        var folder = Text("Lake:Folder");
        var settings = defaults with
        {
            MaxRows = Number("Lake:MaxRows", defaults.MaxRows, 1_000, 10_000_000),
            MaxBytes = Number("Lake:MaxBytes", defaults.MaxBytes, 1024 * 1024, 1024 * 1024 * 1024),
            MaxAge = Span("Lake:MaxAge", defaults.MaxAge, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)),
        };
        if (isOn && isInCluster && (folder is null || !Path.IsPathFullyQualified(folder)))
        {
            Refuse("Lake:Folder", "must be the absolute path of a folder that all nodes share, such as a network file system: AdClick:Cluster is set, and AdClick:Lake:Storage is 'folder'");
        }

        if (!isOn && folder is not null)
        {
            Refuse("Lake:Folder", "is set, but AdClick:Lake:Storage is 'off'");
        }

        return isOn ? new LakeOptions(folder ?? "lake", settings) : null;
    }
}
