using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Model;
using Xunit;
using Xunit.Abstractions;

namespace ProxySuite.Proxy.Tests.Limits;

/// <summary>
/// The promise of a limit that proxies and their reactors share: what is let through, with clients that ask for more in all, is the limit within a few hundredths. In simulated
/// time, with clients that each wait for their answer, as real ones do, and with exchanges that come late.
/// </summary>
public sealed class SharedRateTests(ITestOutputHelper output)
{
    private const int Limit = 200;
    private const int WindowSeconds = 20;

    /// <summary>Of the load of each proxy, in parts of the limit; how often they change places, in seconds; how many exchanges are late, by a second.</summary>
    [Theory]
    [InlineData(1.8, 0.2, 0, 0, 0.97, 1.03), InlineData(1.8, 0.02, 0, 0, 0.97, 1.03), InlineData(1.3, 0.4, 0, 0, 0.97, 1.03), InlineData(1.0, 0.6, 0, 0, 0.97, 1.03)]
    [InlineData(1.8, 0.2, 5, 0, 0.97, 1.03), InlineData(1.8, 0.2, 2, 0, 0.97, 1.04), InlineData(1.8, 0.2, 1, 0, 0.97, 1.06)]
    [InlineData(1.8, 0.2, 0, 0.02, 0.97, 1.03), InlineData(1.8, 0.2, 5, 0.02, 0.93, 1.07), InlineData(1.8, 0.2, 2, 0.02, 0.93, 1.07)]
    public Task What_is_let_through_is_the_limit_wherever_the_load_is(double one, double two, int shiftSeconds, double late, double least, double most)
        => RunAsync(new RateLimits(QueriesPerSecond: Limit), one, two, shiftSeconds, late, least, most);

    /// <summary>Where no more than a twentieth of a second's worth may be saved up, what comes at an exchange does not all fit.</summary>
    [Theory, InlineData(40, 0, 0.97), InlineData(10, 0, 0.97), InlineData(40, 2, 0.97), InlineData(10, 2, 0.93)]
    public Task A_small_burst_loses_little_of_it(int burst, int shiftSeconds, double least)
        => RunAsync(new RateLimits(QueriesPerSecond: Limit, Burst: burst), 1.8, 0.2, shiftSeconds, late: 0, least, most: 1.04);

    /// <summary>
    /// One reactor is never without load; another has much for three tenths of a second, then none for so long that its part has gone to the first. What it could have let
    /// through meanwhile is spent already.
    /// </summary>
    /// <param name="pulsing">The other: of the same proxy (1), or of the other proxy (2).</param>
    [Theory]
    [InlineData(1, 200, 1200), InlineData(1, 200, 700), InlineData(1, 1000, 1200), InlineData(1, 1000, 2700)]
    [InlineData(2, 200, 1200), InlineData(2, 200, 700), InlineData(2, 1000, 1200), InlineData(2, 1000, 2700)]
    public async Task Load_that_comes_in_pulses_gets_no_more_than_the_limit(int pulsing, int burst, int pauseMilliseconds)
    {
        for (int seed = 1; seed <= 4; seed++)
        {
            var crowd = new Crowd(new RateLimits(QueriesPerSecond: Limit, Burst: burst), seed, late: 0)
            {
                IsOn = (index, now) => index == 0 || (index == pulsing && now % (300 + pauseMilliseconds) < 300),
            };
            double[] rates = [6 * Limit, 6 * Limit];
            await crowd.RunAsync(30, rates, shiftSeconds: 0); // the bursts
            for (int window = 0; window < 3; window++)
            {
                long before = crowd.Admitted;
                await crowd.RunAsync(WindowSeconds, rates, shiftSeconds: 0);
                double share = (crowd.Admitted - before) / (double)(WindowSeconds * Limit);
                output.WriteLine($"pulses of {pulsing}, burst {burst}, pause {pauseMilliseconds}, seed {seed}: {share:F3} of the limit");
                Assert.InRange(share, 0.9, 1.1);
            }
        }
    }

    private async Task RunAsync(RateLimits limits, double one, double two, int shiftSeconds, double late, double least, double most)
    {
        for (int seed = 1; seed <= 4; seed++)
        {
            var crowd = new Crowd(limits, seed, late);
            double[] rates = [one * Limit, two * Limit];
            await crowd.RunAsync(5, rates, shiftSeconds); // the burst, and the first exchanges
            var each = new List<long>();
            for (int second = 0; second < 60; second++)
            {
                long before = crowd.Admitted;
                await crowd.RunAsync(1, rates, shiftSeconds);
                each.Add(crowd.Admitted - before);
            }
            double[] windows = [.. Enumerable.Range(0, each.Count - WindowSeconds + 1).Select(first => each.Skip(first).Take(WindowSeconds).Sum() / (double)(WindowSeconds * Limit))];
            output.WriteLine($"shift {shiftSeconds} late {late} ({one} and {two}), seed {seed}: {windows.Min():F3} to {windows.Max():F3} of the limit, at most {each.Max()} in a second");
            Assert.Equal(0, crowd.Refused);
            Assert.All(windows, window => Assert.InRange(window, least, most));
        }
    }

    /// <summary>Two proxies of two reactors each, and twenty clients at each proxy that send at a pace, or as fast as they are answered.</summary>
    private sealed class Crowd
    {
        private const int Proxies = 2;
        private const int Reactors = 2;
        private const int Clients = 20;
        private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(1);

        private readonly LimiterWorld[] _worlds;
        private readonly RateLeases[] _leases;
        private readonly List<Client> _clients = [];
        private readonly long[] _nextExchange = new long[Proxies];
        private readonly Random _random;
        private readonly double _late;
        private long _now;

        public Crowd(RateLimits limits, int seed, double late)
        {
            _late = late;
            _random = new Random(seed);
            var board = new MemoryBoard(() => TimeSpan.FromMilliseconds(_now));
            TenantId tenant = TenantId.New();
            LimiterGroup[] groups = [.. Enumerable.Range(0, Proxies).Select(static _ => new LimiterGroup())];
            _worlds = [.. Enumerable.Range(0, Proxies * Reactors).Select(index => new LimiterWorld(limits, group: groups[index / Reactors]))];
            _leases = [.. Enumerable.Range(0, Proxies).Select(index => new RateLeases(board.For($"proxy-{index}"), new ProxyStats(), () => _worlds[index * Reactors].Now))];
            for (int index = 0; index < _worlds.Length; index++)
            {
                _worlds[index].Proxies.ProxiesAlive = Proxies;
                _leases[index / Reactors].Join(tenant, _worlds[index].Limiter.Cell);
                for (int client = 0; client < Clients / Reactors; client++) _clients.Add(new Client(_worlds[index], index));
            }
        }

        /// <summary>Whether the clients of a reactor have anything to send at a time.</summary>
        public Func<int, long, bool> IsOn { get; init; } = static (_, _) => true;

        public long Admitted { get; private set; }

        public long Refused { get; private set; }

        public async Task RunAsync(int seconds, double[] rates, int shiftSeconds)
        {
            for (long end = _now + (seconds * 1000L); _now < end;)
            {
                _now++;
                bool isShifted = shiftSeconds > 0 && _now / 1000 / shiftSeconds % 2 == 1;
                foreach (LimiterWorld world in _worlds) world.Pass(Step);
                for (int proxy = 0; proxy < Proxies; proxy++)
                {
                    if (_now < _nextExchange[proxy]) continue;
                    await _leases[proxy].ExchangeAsync(CancellationToken.None);
                    _nextExchange[proxy] = _now + (_random.NextDouble() < _late ? 1000 : 95 + _random.Next(20));
                }
                foreach (Client client in _clients)
                {
                    double pace = rates[isShifted ? 1 - (client.Index / Reactors) : client.Index / Reactors] / Clients;
                    Turn(client, pace);
                }
            }
        }

        private void Turn(Client client, double pace)
        {
            if (client.IsOut)
            {
                if (client.Visitor.IsIn)
                {
                    client.Visitor.Exit();
                    Admitted++;
                }
                else if (client.Visitor.Error is not null) Refused++;
                else return;
                client.IsOut = false;
                client.Next = Math.Max(_now, client.Sent + (long)((0.75 + (_random.NextDouble() / 2)) / pace * 1000));
            }
            if (_now < client.Next || !IsOn(client.Index, _now)) return;
            (client.IsOut, client.Sent) = (true, _now);
            client.Visitor.Ask();
        }

        private sealed class Client(LimiterWorld world, int index)
        {
            public int Index { get; } = index;

            public LimiterWorld.Visitor Visitor { get; } = new(world);

            public bool IsOut { get; set; }

            public long Sent { get; set; }

            public long Next { get; set; }
        }
    }
}
