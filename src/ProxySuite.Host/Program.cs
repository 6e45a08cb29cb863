using ProxySuite.Host;

return await Proxyd.RunAsync(args, DataPlane.AddTo).ConfigureAwait(false);
