using System.Buffers;
using System.Text.Json;
using AuthCluster.Contracts.Admin;
using AuthCluster.Contracts.Clients;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.Web.Admin;

/// <summary>Writes clients as the admin API answers them.</summary>
internal static class ClientAnswers
{
    private const string ClientKind = "client";

    /// <summary>One client, with its ETag in the header.</summary>
    public static AdminAnswer Of(ClientView client, LastUsesAnswer lastUses)
    {
        var buffer = new ArrayBufferWriter<byte>(1_024);
        Write(buffer, client, LastUseOf(client, lastUses), null);
        return new AdminAnswer(200) { Body = buffer.WrittenMemory, ETag = client.ETag };
    }

    /// <summary>A client that was created, with the secret that the server generated.</summary>
    public static AdminAnswer Created(CreateClientCommand command, string? etag, string location, string? secret)
    {
        var buffer = new ArrayBufferWriter<byte>(1_024);
        ClientDocumentWriter.WriteAnswer(buffer, command.DocumentJson, new ClientAnswerMembers
        {
            Enabled = command.Enabled,
            CreatedAt = command.CreatedAt,
            UpdatedAt = command.CreatedAt,
            SecretId = command.Secrets[0].SecretId,
            Secret = secret,
        });
        return new AdminAnswer(201) { Body = buffer.WrittenMemory, ETag = etag, Location = location };
    }

    /// <summary>A page of clients.</summary>
    public static AdminAnswer Page(ClientPageAnswer page)
    {
        var buffer = new ArrayBufferWriter<byte>(1_024 * (page.Items.Length + 1));
        buffer.Write("{\"items\":["u8);
        for (var i = 0; i < page.Items.Length; i++)
        {
            if (i > 0)
            {
                buffer.Write(","u8);
            }

            Write(buffer, page.Items[i], page.Items[i].LastUsedAt, page.Items[i].ETag);
        }

        buffer.Write("]"u8);
        if (page.Next is { } next)
        {
            // Ids need no escapes in JSON.
            buffer.Write(",\"next\":"u8);
            buffer.Write(JsonSerializer.SerializeToUtf8Bytes(next, NextJson.Default.String));
        }

        buffer.Write("}"u8);
        return new AdminAnswer(200) { Body = buffer.WrittenMemory };
    }

    private static void Write(ArrayBufferWriter<byte> buffer, ClientView client, DateTimeOffset? lastUsedAt, string? etag) =>
        ClientDocumentWriter.WriteAnswer(buffer, client.DocumentJson, new ClientAnswerMembers
        {
            Enabled = client.Enabled,
            CreatedAt = client.CreatedAt,
            UpdatedAt = client.UpdatedAt,
            LastUsedAt = lastUsedAt,
            ETag = etag,
        });

    /// <summary>The later of the grain's memory and the table. The grain is ahead of the table; the table also has uses of deleted clients with the same id.</summary>
    public static DateTimeOffset? LastUseOf(ClientView? client, LastUsesAnswer lastUses)
    {
        DateTimeOffset? stored = lastUses.Items.FirstOrDefault(use => use.Kind == ClientKind)?.UsedAt;
        // A use before the creation belongs to a deleted client with the same id. Uses are kept to the minute.
        stored = client is not null && stored < client.CreatedAt.AddMinutes(-1) ? null : stored;
        return client?.LastUsedAt is { } held && (stored is null || held > stored) ? held : stored;
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(string))]
internal sealed partial class NextJson : System.Text.Json.Serialization.JsonSerializerContext;
