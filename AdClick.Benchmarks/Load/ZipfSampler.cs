namespace AdClick.Benchmarks.Load;

/// <summary>
/// Draws from <c>0 … n-1</c> by Zipf's law: item k is as likely as <c>1/(k+1)^s</c>. Exact and in constant time, by Walker's alias table in Vose's way.
/// </summary>
internal sealed class ZipfSampler
{
    private readonly double[] _keep;
    private readonly int[] _alias;

    /// <summary>A table for n items.</summary>
    /// <param name="items">Number of items, at least 1.</param>
    /// <param name="exponent">0 draws evenly; 1 is Zipf's own.</param>
    public ZipfSampler(int items, double exponent)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(items, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(exponent);
        _keep = new double[items];
        _alias = new int[items];
        double sum = 0;
        for (var i = 0; i < items; i++)
        {
            sum += _keep[i] = Math.Pow(i + 1, -exponent);
        }

        var small = new Stack<int>();
        var large = new Stack<int>();
        for (var i = 0; i < items; i++)
        {
            _keep[i] *= items / sum;
            (_keep[i] < 1 ? small : large).Push(i);
        }

        while (small.Count > 0 && large.Count > 0)
        {
            var less = small.Pop();
            var more = large.Pop();
            _alias[less] = more;
            _keep[more] -= 1 - _keep[less];
            (_keep[more] < 1 ? small : large).Push(more);
        }

        // What is left is 1 but for rounding.
        foreach (var i in small.Concat(large))
        {
            _keep[i] = 1;
        }
    }

    /// <summary>An item.</summary>
    public int Next(SeededRandom random)
    {
        var item = random.NextInt(_keep.Length);
        return random.NextDouble() < _keep[item] ? item : _alias[item];
    }
}
