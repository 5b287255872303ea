using System.Diagnostics;
using MySqlConnector;

namespace Kiro.Tests.Support;

/// <summary>
/// A real database server in a folder of its own, started on first use. Tests share it through the xUnit
/// collection, so that only one of them can stop it at a time; each test has its own database.
/// </summary>
public sealed class MariaDb : IAsyncDisposable
{
    /// <summary>Would break a connection string built by concatenation.</summary>
    public const string Password = "p;q 'r\" s=%t ";

    public const string User = "kiro";

    private readonly string _folder;
    private Process? _server;
    private bool _installed;

    public MariaDb()
        : this(Directory.CreateTempSubdirectory("kiro-mariadb-").FullName)
    {
    }

    /// <param name="folder">Holds all of its files; deleted on dispose.</param>
    internal MariaDb(string folder) => _folder = Directory.CreateDirectory(folder).FullName;

    public int Port { get; } = FreePort.Next();

    /// <summary>Starts the server unless it is running; skips the test if none is installed.</summary>
    public async Task ReadyAsync()
    {
        var server = Requirement.Find("mariadbd", "mysqld");
        var install = Requirement.Find("mariadb-install-db");
        Requirement.Need("mysql", server is not null && install is not null, "MariaDB is not installed.");
        if (!_installed)
        {
            await InstallAsync(install!);
            _installed = true;
        }

        await StartAsync();
    }

    public async Task StartAsync()
    {
        if (_server is { HasExited: false })
        {
            return;
        }

        _server = Run(
            Requirement.Find("mariadbd", "mysqld")!,
            "--no-defaults", "--user=root", "--datadir=" + Path.Combine(_folder, "data"), "--port=" + Port,
            "--bind-address=127.0.0.1", "--socket=" + Path.Combine(_folder, "s"), "--skip-name-resolve",
            "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--init-file=" + Path.Combine(_folder, "users.sql"));
        await Eventually.BeTrue(
            async () =>
            {
                await using var connection = new MySqlConnection(ConnectionString(""));
                await connection.OpenAsync();
                return true;
            },
            "MariaDB accepts connections");
    }

    /// <summary>Stops the server: cleanly, or as in a power cut.</summary>
    public async Task StopAsync(bool kill = false)
    {
        if (_server is { HasExited: false })
        {
            ServiceProcess.Signal(_server.Id, kill ? "KILL" : "TERM");
            await _server.WaitForExitAsync();
        }
    }

    /// <summary>Freezes or resumes the server: frozen, it accepts connections and never responds.</summary>
    public void Freeze(bool frozen) => ServiceProcess.Signal(_server!.Id, frozen ? "STOP" : "CONT");

    /// <summary>A unique name for a database that does not exist yet.</summary>
    public static string NewDatabase() => "kiro_" + Guid.NewGuid().ToString("N");

    public string ConnectionString(string database) => new MySqlConnectionStringBuilder
    {
        Server = "127.0.0.1",
        Port = (uint)Port,
        UserID = User,
        Password = Password,
        Database = database,
        Pooling = false,
    }.ConnectionString;

    public async Task ExecuteAsync(string sql)
    {
        await using var connection = new MySqlConnection(ConnectionString(""));
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(kill: true);
        _server?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task InstallAsync(string install)
    {
        var password = Password.Replace("'", "''", StringComparison.Ordinal);
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "users.sql"),
            $"CREATE USER IF NOT EXISTS '{User}'@'127.0.0.1' IDENTIFIED BY '{password}';\n"
            + $"GRANT ALL ON *.* TO '{User}'@'127.0.0.1' WITH GRANT OPTION;\n");
        using var process = Run(
            install, "--no-defaults", "--user=root", "--datadir=" + Path.Combine(_folder, "data"),
            "--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=8M");
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    private static Process Run(string program, params string[] arguments)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true },
        };
        process.Start();
        // The output is discarded, but it must be read: a full pipe would block the server.
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}

/// <summary>Tests that share one MariaDB server, and so run one after another.</summary>
[CollectionDefinition(Name)]
public sealed class SharesMariaDb : ICollectionFixture<MariaDb>
{
    public const string Name = "MariaDB";
}
