using System.Globalization;
using System.Net;
using ProxySuite.Proxy.Frontend.Auth;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Options.Hba;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

public sealed class LoginBrakeTests
{
    private readonly ManualTime _time = new();
    private readonly ProxyStats _stats = new();
    private readonly LogLines _log = new();
    private readonly LoginBrake _brake;

    public LoginBrakeTests() => _brake = new LoginBrake(new CurrentOptions(new ProxyOptions { Auth = new AuthOptions { FailuresMax = 3, FailureDelayMax = TimeSpan.FromSeconds(2) } }), _time, _stats, _log);

    private static BrakeKey Key(string tenant = "acme", string address = "203.0.113.1") => BrakeKey.Of(tenant, new ClientOrigin(IPAddress.Parse(address), IsEncrypted: false));

    private Task<bool> PassAsync(BrakeKey key, CancellationToken cancellationToken = default) => _brake.PassAsync(key, cancellationToken).AsTask();

    private void Fail(BrakeKey key, int times)
    {
        for (int i = 0; i < times; i++) _brake.Failed(key);
    }

    [Fact]
    public async Task So_many_failures_are_free()
    {
        for (int i = 0; i < 3; i++)
        {
            Assert.True(await PassAsync(Key()));
            _brake.Failed(Key());
        }
        Assert.False(PassAsync(Key()).IsCompleted);
    }

    [Fact]
    public async Task Waits_double_up_to_their_bound()
    {
        Fail(Key(), 3);
        List<double> waits = [];
        for (int i = 0; i < 7; i++)
        {
            Task<bool> pass = PassAsync(Key());
            TimeSpan wait = Assert.Single(_time.Waits);
            waits.Add(wait.TotalMilliseconds);
            _time.Advance(wait - TimeSpan.FromMilliseconds(1));
            Assert.False(pass.IsCompleted);
            _time.Advance(TimeSpan.FromMilliseconds(1));
            Assert.True(await pass);
            Fail(Key(), 2); // of two that failed at a time: more than leaks meanwhile
        }
        Assert.Equal([100, 200, 800, 2000, 2000, 2000, 2000], waits);
    }

    [Fact]
    public void Another_tenant_or_another_address_does_not_wait()
    {
        Fail(Key(), 10);
        Assert.True(PassAsync(Key("globex")).IsCompletedSuccessfully);
        Assert.True(PassAsync(Key(address: "203.0.113.2")).IsCompletedSuccessfully);
        Assert.False(PassAsync(Key()).IsCompleted);
    }

    [Fact]
    public void What_is_slowed_down_is_told_once_and_again_only_after_it_was_quiet()
    {
        Fail(Key(), 10);
        Fail(Key("globex", "2001:db8::1"), 3);
        Fail(Key("quiet"), 2);
        Assert.Equal(
            ["logins are slowed down after failures: tenant=acme address=203.0.113.1 failures=3", "logins are slowed down after failures: tenant=globex address=2001:db8:: failures=3"],
            _log.Lines);
        _time.Advance(LoginBrake.ForgetInterval * 20);
        Fail(Key(), 3);
        Assert.Equal(3, _log.Lines.Count);
    }

    [Fact]
    public void Each_login_that_waits_is_counted()
    {
        Fail(Key(), 3);
        Assert.False(PassAsync(Key()).IsCompleted);
        Assert.False(PassAsync(Key()).IsCompleted);
        Assert.True(PassAsync(Key("globex")).IsCompleted);
        Assert.Equal(2, _stats.LoginsDelayed);
    }

    [Fact]
    public void Nobody_locks_a_tenant_out_from_other_addresses()
    {
        for (int i = 0; i < LoginBrake.EntriesMax + 1000; i++)
        {
            BrakeKey key = Key(address: string.Create(CultureInfo.InvariantCulture, $"10.{i >> 16}.{(i >> 8) & 255}.{i & 255}"));
            Fail(key, 4);
            _ = PassAsync(key);
        }
        Assert.Equal(LoginBrake.WaitingMax, _brake.Waiting);
        Assert.True(PassAsync(Key()).IsCompletedSuccessfully);
        Fail(Key(), 1); // and a slip of the finger is still free
        Assert.True(PassAsync(Key()).IsCompletedSuccessfully);
    }

    [Fact]
    public void An_IPv6_network_counts_as_one_address()
    {
        Fail(Key(address: "2001:db8::1"), 10);
        Assert.False(PassAsync(Key(address: "2001:db8::ffff:1")).IsCompleted);
        Assert.True(PassAsync(Key(address: "2001:db8:0:1::1")).IsCompletedSuccessfully);
    }

    [Fact]
    public void A_success_forgets_the_failures()
    {
        Fail(Key(), 10);
        _brake.Succeeded(Key());
        Assert.True(PassAsync(Key()).IsCompletedSuccessfully);
        Assert.Equal(0, _brake.Count);
    }

    [Fact]
    public void Time_forgets_them_one_by_one()
    {
        Fail(Key(), 4);
        _time.Advance(LoginBrake.ForgetInterval * 1.5);
        Assert.True(PassAsync(Key()).IsCompletedSuccessfully);
        Fail(Key(), 1);
        Assert.False(PassAsync(Key()).IsCompleted);
    }

    [Fact]
    public void However_long_the_guessing_took_it_is_forgotten_within_minutes()
    {
        Fail(Key(), 1000);
        _time.Advance(LoginBrake.ForgetInterval * 10.5);
        Assert.True(PassAsync(Key()).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Beyond_a_few_that_wait_the_next_is_refused_unseen()
    {
        Fail(Key(), 3);
        Task<bool>[] waiting = [.. Enumerable.Range(0, LoginBrake.WaitingPerKeyMax).Select(_ => PassAsync(Key()))];
        Assert.False(await PassAsync(Key()));
        Assert.Equal(LoginBrake.WaitingPerKeyMax, _brake.Waiting);
        _time.Advance(LoginBrake.DelayFirst);
        Assert.All(await Task.WhenAll(waiting), Assert.True);
        Assert.Equal(0, _brake.Waiting);
        _brake.Failed(Key());
        Assert.False(PassAsync(Key()).IsCompleted); // there is room to wait again
    }

    [Fact]
    public async Task All_that_wait_together_are_bounded_too()
    {
        for (int i = 0; _brake.Waiting < LoginBrake.WaitingMax; i++)
        {
            BrakeKey key = Key(string.Create(CultureInfo.InvariantCulture, $"tenant-{i}"));
            Fail(key, 3);
            for (int j = 0; j < LoginBrake.WaitingPerKeyMax; j++) _ = PassAsync(key);
        }
        Fail(Key(), 3);
        Assert.False(await PassAsync(Key()));
    }

    [Fact]
    public async Task A_login_that_gives_up_waits_no_more()
    {
        Fail(Key(), 3);
        using var gone = new CancellationTokenSource();
        Task<bool> pass = PassAsync(Key(), gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pass);
        Assert.Equal(0, _brake.Waiting);
    }

    [Fact]
    public void The_oldest_failures_make_room_for_new_ones()
    {
        Fail(Key(), 10);
        Fail(Key("globex"), 10);
        for (int i = 0; i < LoginBrake.EntriesMax - 2; i++) Fail(Key(string.Create(CultureInfo.InvariantCulture, $"tenant-{i}")), 1);
        Fail(Key(), 1);
        Fail(Key("one-more"), 1);
        Assert.Equal(LoginBrake.EntriesMax, _brake.Count);
        Assert.False(PassAsync(Key()).IsCompleted);
        Assert.True(PassAsync(Key("globex")).IsCompletedSuccessfully);
    }

    [Theory]
    [InlineData("acme", "app")]
    [InlineData("acme", "nobody")]
    [InlineData("none", "app")]
    [InlineData("Not A Slug", "app")]
    public async Task Known_or_not_a_tenant_is_braked_and_a_flood_gets_the_answer_of_a_wrong_password(string tenant, string user)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(
            configure: options => options with { Auth = options.Auth with { FailuresMax = 2, FailureDelayMax = TimeSpan.FromSeconds(1) } });
        var answers = new List<PgError?>();
        for (int i = 0; i < 2; i++) answers.Add(await TryAsync());
        answers.AddRange(await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => TryAsync())));
        Assert.All(answers, error => Assert.Equal(ProxyErrors.LoginFailed(user), error));
        Assert.Equal(SqlState.InvalidPassword, answers[0]!.SqlState);
        // Each is counted once, after its answer; and the first that waited or was refused unseen is not the only one.
        ProxyStats stats = world.Stats.Proxy;
        for (int i = 0; stats.Total(RefusalReason.Authentication) + stats.Total(RefusalReason.TooManyFailures) < answers.Count; i++)
        {
            Assert.True(i < 1000);
            await Task.Delay(10);
        }
        Assert.Equal(answers.Count, stats.Total(RefusalReason.Authentication) + stats.Total(RefusalReason.TooManyFailures));
        Assert.InRange(stats.LoginsDelayed + stats.Total(RefusalReason.TooManyFailures), 2, 12);

        async Task<PgError?> TryAsync()
        {
            using RawClient client = await RawClient.ConnectAsync(world.Port);
            return await client.TryLoginAsync(user, tenant, "wrong");
        }
    }

    [Fact]
    public async Task The_right_password_logs_in_after_a_wait()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: options => options with { Auth = options.Auth with { FailuresMax = 1 } });
        using RawClient wrong = await RawClient.ConnectAsync(world.Port);
        Assert.NotNull(await wrong.TryLoginAsync("app", "acme", "wrong"));
        using RawClient right = await world.ConnectAsync();
    }
}
