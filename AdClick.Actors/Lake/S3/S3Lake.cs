using System.Net;
using System.Runtime.InteropServices;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace AdClick.Actors.Lake.S3;

/// <summary>
/// A lake in a bucket of S3, or of whatever speaks its language. An object is there when its put has ended, whole or not at all, so no name has to be changed
/// afterwards. What a node that was killed leaves behind are whole objects that nobody names, and uploads in parts that nobody ended; <see cref="ListAsync"/> finds
/// both.
/// </summary>
public sealed class S3Lake : ILakeStorage, IDisposable
{
    private const string Upload = "_upload/";

    private static readonly TimeSpan AnswerTime = TimeSpan.FromMinutes(1);

    private readonly S3LakeOptions _options;
    private readonly AmazonS3Client _client;
    private readonly SharedListing _listing;

    /// <summary>A lake; nothing is asked of the bucket yet.</summary>
    public S3Lake(S3LakeOptions options)
    {
        _options = options;
        var config = new AmazonS3Config
        {
            ForcePathStyle = options.PathStyle,
            Timeout = AnswerTime,
            MaxErrorRetry = 2,

            // Content is signed as a whole by its SHA-256. A checksum of the SDK's own comes in a trailer, which services other than AWS do not understand.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (options.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.ToString();
            config.AuthenticationRegion = options.Region ?? "us-east-1";
        }
        else if (options.Region is { } region)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        _client = options.AccessKeyId is { } keyId
            ? new AmazonS3Client(new BasicAWSCredentials(keyId, options.SecretAccessKey), config)
            : new AmazonS3Client(config);
        _listing = new SharedListing(ListAllAsync);
    }

    /// <inheritdoc/>
    public string Place => _options.ToString();

    /// <inheritdoc/>
    public Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => RunAsync(
        async () =>
        {
            if (content.Length > _options.PartBytes)
            {
                await WriteInPartsAsync(KeyOf(name), content, cancellationToken).ConfigureAwait(false);
                return true;
            }

            var put = new PutObjectRequest
            {
                BucketName = _options.Bucket,
                Key = KeyOf(name),
                InputStream = StreamOf(content),
                ContentType = "application/vnd.apache.parquet",
                UseChunkEncoding = false,
            };
            await _client.PutObjectAsync(put, cancellationToken).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Stream> OpenReadAsync(string name, CancellationToken cancellationToken) => RunAsync<Stream>(
        async () =>
        {
            try
            {
                return (await _client.GetObjectAsync(_options.Bucket, KeyOf(name), cancellationToken).ConfigureAwait(false)).ResponseStream;
            }
            catch (AmazonS3Exception e) when (e.ErrorCode == "NoSuchKey")
            {
                throw new FileNotFoundException($"There is no {name} in {Place}.", name, e);
            }
        },
        cancellationToken);

    /// <inheritdoc/>
    /// <remarks>All objects of the lake are listed, a thousand for each request; partitions that start at the same time share one listing.</remarks>
    public Task<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellationToken) => _listing.FindAsync(prefix, cancellationToken);

    /// <inheritdoc/>
    public Task DeleteAsync(string name, CancellationToken cancellationToken) => RunAsync(
        async () =>
        {
            if (name.StartsWith(Upload, StringComparison.Ordinal))
            {
                var end = name.IndexOf('/', Upload.Length);
                await AbortAsync(KeyOf(name[(end + 1)..]), name[Upload.Length..end], cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await _client.DeleteObjectAsync(_options.Bucket, KeyOf(name), cancellationToken).ConfigureAwait(false);
            }

            return true;
        },
        cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private static MemoryStream StreamOf(ReadOnlyMemory<byte> content) => MemoryMarshal.TryGetArray(content, out var array)
        ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
        : new MemoryStream(content.ToArray(), writable: false);

    private string KeyOf(string name) => _options.Prefix + name;

    private async Task WriteInPartsAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var upload = (await _client.InitiateMultipartUploadAsync(
            new InitiateMultipartUploadRequest { BucketName = _options.Bucket, Key = key, ContentType = "application/vnd.apache.parquet" },
            cancellationToken).ConfigureAwait(false)).UploadId;
        try
        {
            var parts = new List<PartETag>();
            for (var start = 0; start < content.Length; start += _options.PartBytes)
            {
                var length = Math.Min(_options.PartBytes, content.Length - start);
                var part = await _client.UploadPartAsync(
                    new UploadPartRequest
                    {
                        BucketName = _options.Bucket,
                        Key = key,
                        UploadId = upload,
                        PartNumber = parts.Count + 1,
                        PartSize = length,
                        InputStream = StreamOf(content.Slice(start, length)),
                        UseChunkEncoding = false,
                        IsLastPart = start + length == content.Length,
                    },
                    cancellationToken).ConfigureAwait(false);
                parts.Add(new PartETag(parts.Count + 1, part.ETag));
            }

            await _client.CompleteMultipartUploadAsync(
                new CompleteMultipartUploadRequest { BucketName = _options.Bucket, Key = key, UploadId = upload, PartETags = parts }, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Best effort: the next start of the partition's archive finds what stays.
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            try
            {
                await AbortAsync(key, upload, patience.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is AmazonServiceException or AmazonClientException or HttpRequestException or OperationCanceledException or IOException)
            {
                // The first failure is the one to tell.
            }

            throw;
        }
    }

    private async Task AbortAsync(string key, string upload, CancellationToken cancellationToken)
    {
        try
        {
            await _client.AbortMultipartUploadAsync(
                new AbortMultipartUploadRequest { BucketName = _options.Bucket, Key = key, UploadId = upload }, cancellationToken).ConfigureAwait(false);
        }
        catch (AmazonS3Exception e) when (e.ErrorCode == "NoSuchUpload")
        {
            // It has been ended already.
        }
    }

    private Task<bool> ListAllAsync(Action<string> found, CancellationToken cancellationToken) => RunAsync(
        async () =>
        {
            // The first version of the listing goes on after a key, which every service understands.
            var objects = new ListObjectsRequest { BucketName = _options.Bucket, Prefix = _options.Prefix, MaxKeys = _options.PageKeys };
            ListObjectsResponse page;
            do
            {
                page = await _client.ListObjectsAsync(objects, cancellationToken).ConfigureAwait(false);
                foreach (var each in page.S3Objects ?? [])
                {
                    found(each.Key[_options.Prefix.Length..]);
                    objects.Marker = each.Key;
                }
            }
            while (page.IsTruncated == true);

            await ListUploadsAsync(found, cancellationToken).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    private async Task ListUploadsAsync(Action<string> found, CancellationToken cancellationToken)
    {
        var uploads = new ListMultipartUploadsRequest { BucketName = _options.Bucket, Prefix = _options.Prefix };
        ListMultipartUploadsResponse page;
        do
        {
            try
            {
                page = await _client.ListMultipartUploadsAsync(uploads, cancellationToken).ConfigureAwait(false);
            }
            catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotImplemented)
            {
                return; // the service has to clear them out by itself
            }

            foreach (var each in page.MultipartUploads ?? [])
            {
                found($"{Upload}{each.UploadId}/{each.Key[_options.Prefix.Length..]}");
            }

            (uploads.KeyMarker, uploads.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
        }
        while (page.IsTruncated == true);
    }

    private async Task<T> RunAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (AmazonServiceException e) when (e.StatusCode != 0)
        {
            throw new IOException($"{Place} answered {e.ErrorCode ?? e.StatusCode.ToString()} ({(int)e.StatusCode}): {e.Message}", e);
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException or HttpRequestException)
        {
            throw new IOException($"{Place} can't be reached: {e.GetBaseException().Message}", e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"{Place} took longer than {AnswerTime} to answer.", e);
        }
    }
}
