using System.Buffers.Binary;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using Google.Protobuf;

namespace AdClick.Actors.Partitions;

/// <summary>
/// Protobuf for all that leaves a partition: journal events, snapshots, wake-ups, reports, operators' orders. Manifests are stored and sent: they never change.
/// </summary>
public sealed class PartitionSerializer : SerializerWithStringManifest
{
    private const string Delta = "D";
    private const string Checkpoint = "C";
    private const string Snapshot = "S";
    private const string WakeUp = "W";
    private const string Report = "R";
    private const string Order = "O";
    private const string Answer = "A";

    /// <summary>Made by Akka.NET.</summary>
    public PartitionSerializer(ExtendedActorSystem system) : base(system) { }

    /// <summary>Stored beside every event: never changes.</summary>
    public override int Identifier => 7_301;

    /// <inheritdoc/>
    public override string Manifest(object o) => o switch
    {
        PartitionDelta => Delta,
        CheckpointReached => Checkpoint,
        PartitionSnapshot => Snapshot,
        PartitionCommands.WakeUp => WakeUp,
        NodeReport => Report,
        PartitionOrder => Order,
        PartitionAnswer => Answer,
        _ => throw new ArgumentException($"{o.GetType()} is not a message of a partition.", nameof(o)),
    };

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj)
    {
        switch (obj)
        {
            case PartitionCommands.WakeUp wakeUp:
                var bytes = new byte[sizeof(int)];
                BinaryPrimitives.WriteInt32LittleEndian(bytes, wakeUp.Partition);
                return bytes;
            case IMessage message:
                return message.ToByteArray();
            default:
                throw new ArgumentException($"{obj.GetType()} is not a message of a partition.", nameof(obj));
        }
    }

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest) => manifest switch
    {
        Delta => PartitionDelta.Parser.ParseFrom(bytes),
        Checkpoint => CheckpointReached.Parser.ParseFrom(bytes),
        Snapshot => PartitionSnapshot.Parser.ParseFrom(bytes),
        WakeUp => new PartitionCommands.WakeUp(BinaryPrimitives.ReadInt32LittleEndian(bytes)),
        Report => NodeReport.Parser.ParseFrom(bytes),
        Order => PartitionOrder.Parser.ParseFrom(bytes),
        Answer => PartitionAnswer.Parser.ParseFrom(bytes),
        _ => throw new SerializationException($"Manifest {manifest} is not one of a partition; was it written by a newer version?"),
    };
}
