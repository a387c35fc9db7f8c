using System.Buffers.Text;
using System.Text;
using AuthCluster.Web.Admin;

namespace AuthCluster.UnitTests.Admin;

/// <summary>The cursor in which a page of a report says where the next page begins.</summary>
public sealed class AdminCursorTests
{
    private static readonly DateTimeOffset Then = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    public static TheoryData<string> NeverGiven =>
    [
        "",
        "not base64url!",
        "AAAA",
        Word("null"),
        Word("[]"),
        Word("7"),
        Word("""{"clientId":"orders","kind":"scope"}"""),
        Word("""{"clientId":"orders","kind":"scope","value":null}"""),
        Word("""{"clientId":"two words","kind":"scope","value":"read"}"""),
        Word("""{"clientId":"","kind":"scope","value":"read"}"""),
        Word("""{"clientId":"orders","kind":"sco\u0000pe","value":"read"}"""),
        Word("""{"clientId":"orders","kind":"scope","value":"read write"}"""),
        Word("""{"clientId":"orders","kind":"scope","value":"läsa"}"""),
    ];

    [Theory]
    [InlineData("orders", "scope", "read")]
    [InlineData("http://adfs/x", "client", "")]
    public void A_cursor_that_a_page_gave_is_read_back_as_it_was(string clientId, string kind, string value)
    {
        var cursor = new UnusedCursor(clientId, kind, value);

        var word = AdminCursor.Write(cursor, AdminJson.Default.UnusedCursor);

        Assert.True(AdminCursor.TryRead(word, AdminJson.Default.UnusedCursor, out var read));
        Assert.Equal(cursor, read);
        Assert.Equal(word, Uri.EscapeDataString(word));
    }

    [Theory]
    [MemberData(nameof(NeverGiven))]
    public void A_cursor_that_no_page_gave_is_refused(string word)
    {
        Assert.False(AdminCursor.TryRead(word, AdminJson.Default.UnusedCursor, out var read));
        Assert.Null(read);
    }

    [Fact]
    public void A_cursor_of_one_report_is_refused_by_another_report()
    {
        var unused = AdminCursor.Write(new UnusedCursor("orders", "scope", "read"), AdminJson.Default.UnusedCursor);
        var expiring = AdminCursor.Write(new ExpiringCursor("orders", "s1", Then), AdminJson.Default.ExpiringCursor);

        Assert.False(AdminCursor.TryRead(unused, AdminJson.Default.ExpiringCursor, out _));
        Assert.False(AdminCursor.TryRead(expiring, AdminJson.Default.UnusedCursor, out _));
        Assert.True(AdminCursor.TryRead(expiring, AdminJson.Default.ExpiringCursor, out var read));
        Assert.Equal(Then, read!.ExpiresAt);
    }

    private static string Word(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
