using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using Google.Protobuf;

namespace AdClick.Actors.HotAds;

/// <summary>Protobuf for what gateways tell each other about busy ads. Manifests never change: nodes of two versions run side by side in an upgrade.</summary>
public sealed class HotAdSerializer : SerializerWithStringManifest
{
    private const string Split = "S";
    private const string Traffic = "T";

    /// <summary>Made by Akka.NET.</summary>
    public HotAdSerializer(ExtendedActorSystem system) : base(system) { }

    /// <summary>Sent with every message: never changes.</summary>
    public override int Identifier => 7_302;

    /// <inheritdoc/>
    public override string Manifest(object o) => o switch
    {
        AdSplit => Split,
        GatewayTraffic => Traffic,
        _ => throw new ArgumentException($"{o.GetType()} is not a message about hot ads.", nameof(o)),
    };

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => obj is AdSplit or GatewayTraffic
        ? ((IMessage)obj).ToByteArray()
        : throw new ArgumentException($"{obj.GetType()} is not a message about hot ads.", nameof(obj));

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest) => manifest switch
    {
        Split => AdSplit.Parser.ParseFrom(bytes),
        Traffic => GatewayTraffic.Parser.ParseFrom(bytes),
        _ => throw new SerializationException($"Manifest {manifest} is not one about hot ads; was it sent by a newer version?"),
    };
}
