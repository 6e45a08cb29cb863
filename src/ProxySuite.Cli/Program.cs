using ProxySuite.Cli.Frame;

return await ProxyCtl.RunAsync(args, CliConsole.OfProcess());
