-- Clients that keep a server connection for session state: how many of a tenant, and how long one of them may be idle.
ALTER TABLE system.plans
  ADD COLUMN pins_max integer CHECK (pins_max BETWEEN 1 AND 10000),  -- NULL: all connections but one
  ADD COLUMN pinned_idle_ms bigint CHECK (pinned_idle_ms = 0 OR pinned_idle_ms BETWEEN 1000 AND 604800000);  -- NULL: as the proxy has it; 0: for ever
