using System.Text;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Exchange;

/// <summary>Mutates valid messages.</summary>
internal static class Mutations
{
    private static readonly string[] Pieces =
    [
        "\r\n", "\r", "\n", "\r\n\r\n", "\0", " ", "\t", ":", ",", ";", "0", "f", "-1", "+", "chunked", "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.0", "99999999999999999999", "\u00ff", "0\r\n\r\n",
    ];

    /// <param name="message">A valid one, as Latin-1.</param>
    /// <param name="random">The source of randomness.</param>
    /// <param name="pieces">Inserted at times; by default, what matters in responses.</param>
    public static byte[] Of(string message, Random random, string[]? pieces = null)
    {
        pieces ??= Pieces;
        var bytes = new List<byte>(Encoding.Latin1.GetBytes(message));
        for (var times = random.Next(4); times > 0; times--)
        {
            var place = random.Next(bytes.Count + 1);
            switch (random.Next(5))
            {
                case 0:
                    bytes.InsertRange(place, Encoding.Latin1.GetBytes(random.GetItems(pieces, 1)[0]));
                    break;
                case 1:
                    bytes.RemoveRange(place, random.Next(Math.Min(6, bytes.Count - place + 1)));
                    break;
                case 2 when place < bytes.Count:
                    bytes[place] = (byte)random.Next(256);
                    break;
                case 3:
                    bytes.InsertRange(place, bytes.GetRange(place, random.Next(Math.Min(30, bytes.Count - place + 1))));
                    break;
                default:
                    bytes.RemoveRange(place, random.Next(4) == 0 ? bytes.Count - place : 0);
                    break;
            }
        }

        return [.. bytes];
    }
}
