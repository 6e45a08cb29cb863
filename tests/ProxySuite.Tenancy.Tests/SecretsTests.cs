using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

[UnsupportedOSPlatform("windows")]
public sealed class SecretsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("proxysuite-secrets-").FullName;

    private string KeyFile => Path.Combine(_directory, "master.key");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_new_key_file_is_for_its_owner_alone_and_reads_back_as_the_same_key()
    {
        MasterKey made = MasterKey.CreateFile(KeyFile);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyFile));
        Assert.Equal(made.Authenticate("x"u8), MasterKey.ReadFile(KeyFile).Authenticate("x"u8));
    }

    [Fact]
    public void A_key_is_never_written_over()
    {
        MasterKey made = MasterKey.CreateFile(KeyFile);
        Assert.Throws<IOException>(() => MasterKey.CreateFile(KeyFile));
        Assert.Equal(made.Authenticate("x"u8), MasterKey.ReadFile(KeyFile).Authenticate("x"u8));
    }

    [Theory]
    [InlineData("raw")]
    [InlineData("hex")]
    [InlineData("HEX")]
    [InlineData("base64")]
    public void A_key_may_be_raw_hexadecimal_or_base64(string form)
    {
        byte[] key = RandomNumberGenerator.GetBytes(48);
        Write(form switch
        {
            "raw" => key,
            "hex" => Encoding.ASCII.GetBytes(Convert.ToHexStringLower(key) + "\n"),
            "HEX" => Encoding.ASCII.GetBytes(Convert.ToHexString(key)),
            _ => Encoding.ASCII.GetBytes($" {Convert.ToBase64String(key)}\r\n"),
        });
        Assert.Equal(HMACSHA256.HashData(key, "x"u8), MasterKey.ReadFile(KeyFile).Authenticate("x"u8));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    public void A_key_open_to_others_is_refused_with_the_command_that_mends_it(UnixFileMode open)
    {
        MasterKey.CreateFile(KeyFile);
        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | open);
        Assert.Contains($"chmod 600 {KeyFile}", Assert.Throws<MasterKeyException>(() => MasterKey.ReadFile(KeyFile)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_short_missing_or_huge_key_is_refused_without_being_shown()
    {
        Assert.Contains("cannot be read", Assert.Throws<MasterKeyException>(() => MasterKey.ReadFile(KeyFile)).Message, StringComparison.Ordinal);
        Write("too short"u8.ToArray());
        string message = Assert.Throws<MasterKeyException>(() => MasterKey.ReadFile(KeyFile)).Message;
        Assert.Contains("at least 32", message, StringComparison.Ordinal);
        Assert.DoesNotContain("too short", message, StringComparison.Ordinal);
        Write(new byte[5000]);
        Assert.Contains("larger", Assert.Throws<MasterKeyException>(() => MasterKey.ReadFile(KeyFile)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => MasterKey.FromBytes(new byte[31]));
    }

    [Fact]
    public void A_backend_password_hangs_on_key_role_and_epoch()
    {
        MasterKey key = MasterKey.FromBytes(new byte[32]);
        var passwords = new BackendPasswords(key);
        string password = passwords.PasswordFor("t_1", 1);
        Assert.Equal(password, new BackendPasswords(key).PasswordFor("t_1", 1));
        string[] others =
        [
            passwords.PasswordFor("t_1", 2), passwords.PasswordFor("t_1", 11), passwords.PasswordFor("t_11", 1), passwords.PasswordFor("t_1_o", 1),
            new BackendPasswords(MasterKey.FromBytes(RandomNumberGenerator.GetBytes(32))).PasswordFor("t_1", 1),
        ];
        Assert.Equal(6, others.Append(password).Distinct().Count());
    }

    [Fact]
    public void A_backend_password_stays_the_same_over_releases()
        // Changing how it is made would lock every proxy of the fleet out during an upgrade.
        => Assert.Equal(
            Convert.ToBase64String(HMACSHA256.HashData(new byte[32], "proxysuite/backend-password\0t_1\01"u8)).TrimEnd('=').Replace('+', '-').Replace('/', '_'),
            new BackendPasswords(MasterKey.FromBytes(new byte[32])).PasswordFor("t_1", 1));

    [Fact]
    public void Secrets_print_as_nothing()
    {
        Assert.Equal("***", new Secret("hidden").ToString());
        Assert.Equal("***", $"{new Secret("hidden")}");
        Assert.DoesNotContain("hidden", System.Text.Json.JsonSerializer.Serialize(new Secret("hidden")), StringComparison.Ordinal);
        Assert.Equal("MasterKey", MasterKey.FromBytes(new byte[32]).ToString());
        Assert.DoesNotContain("hidden", System.Text.Json.JsonSerializer.Serialize(DsnParser.Parse("postgres://u:hidden@h/d")), StringComparison.Ordinal);
    }

    private void Write(byte[] content)
    {
        File.WriteAllBytes(KeyFile, content);
        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
