// The kind of transport is an option; every test of this folder names it.
global using TransportKind = ProxySuite.Proxy.Options.TransportKind;
